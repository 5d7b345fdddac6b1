"""The solution as a CloudFormation stack: its changes are shown, confirmed and watched, and it is removed."""

from collections.abc import Iterator
from typing import Any

import pytest

from deploy.aws.bucket import Bucket
from deploy.aws.calls import AwsError
from deploy.cloudformation.templates import assets, templates
from deploy.stack import Solution, files_of
from serving.errors import InvalidRequest
from serving.http import Json
from tests.support.aws.fake import FAULTS, HEALTH, aws_of, fake_account
from tests.support.aws.fake_template import Refused
from tests.support.aws.solution import BUCKET, FEATURES, SMALL, Account


@pytest.fixture
def account() -> Iterator[Account]:
    with fake_account() as (fake, session):
        yield Account(fake, session)


def test_changes_are_shown_then_made_and_watched(account: Account) -> None:
    assert account.up(general_ocr="sagemaker")
    assert [(change.action, change.place) for change in account.shown] == [
        ("Add", "Api"), ("Add", "GeneralOCRStack"), ("Add", "GeneralOCRStack/Endpoint"),
    ]  # fmt: skip
    events = [line.split()[1:] for line in account.messages]
    assert ["CREATE_COMPLETE", "GeneralOCRStack/Endpoint"] in events
    assert events[-1] == ["CREATE_COMPLETE", "aikit"]
    (row,) = account.solution.status()
    assert row[:5] == ("general_ocr", "sagemaker", "InService", 0, "https://api/prod/general_ocr")


def test_the_real_templates_can_be_deployed(account: Account) -> None:
    files = files_of(templates(FEATURES), assets(FEATURES))
    assert account.up(files, general_ocr="lambda", custom_ocr="sagemaker")
    rows = {row.feature: row for row in account.solution.status()}
    assert {name: row.target for name, row in rows.items()} == {
        "general_ocr": "lambda",
        "custom_ocr": "sagemaker",
    }
    assert rows["general_ocr"].status == "CREATE_COMPLETE"
    assert rows["custom_ocr"].url.endswith("/prod/custom_ocr")
    assert rows["custom_ocr"].log_group.startswith("/aws/sagemaker/Endpoints/")


def test_features_that_are_not_named_stay_as_they_are(account: Account) -> None:
    account.up(general_ocr="lambda")
    account.up(custom_ocr="sagemaker")
    assert account.solution.targets() == {"general_ocr": "lambda", "custom_ocr": "sagemaker"}
    assert not [change for change in account.shown if change.place.startswith("GeneralOCR")]


def test_without_changes_no_confirmation_is_needed(account: Account) -> None:
    account.up(general_ocr="lambda")
    account.shown.clear()
    assert account.up(general_ocr="lambda", agree=False)
    assert account.shown == []
    assert account.messages[-1] == "aikit: nothing to change"


def test_refused_changes_leave_nothing_behind(account: Account) -> None:
    assert not account.up(general_ocr="lambda", agree=False)
    assert account.stacks() == set()
    account.up(general_ocr="lambda")
    before = account.stacks()
    assert not account.up(custom_ocr="lambda", agree=False)
    assert account.stacks() == before
    assert not any(stack.change_sets for stack in account.fake.alive())


def test_a_failed_create_reports_every_cause_and_is_removed(account: Account) -> None:
    account.fake.fails["Endpoint"] = HEALTH
    account.fake.log("/aws/sagemaker/Endpoints/aikit-GeneralOCRStack-Endpoint", "ImportError: libGL.so.1")
    with pytest.raises(AwsError, match=f"GeneralOCRStack/Endpoint: {HEALTH}") as failed:
        account.up(general_ocr="sagemaker")
    assert "Embedded stack" not in str(failed.value)
    assert "  ImportError: libGL.so.1" in account.messages
    assert account.stacks() == set()
    account.fake.fails.clear()
    account.up(general_ocr="sagemaker")
    assert ("aikit", "CREATE_COMPLETE") in account.stacks()


def test_a_failed_create_reports_the_resources_that_are_kept(account: Account) -> None:
    account.fake.fails["Endpoint"] = HEALTH
    with pytest.raises(AwsError, match=HEALTH):
        account.up(custom_ocr="sagemaker")
    assert account.messages[-1] == "kept: AWS::S3::Bucket aikit-CustomOCRStack-Templates"


def test_a_failed_update_is_rolled_back_and_can_be_repeated(account: Account) -> None:
    account.up(general_ocr="lambda")
    account.fake.fails["Endpoint"] = HEALTH
    with pytest.raises(AwsError, match="UPDATE_ROLLBACK_COMPLETE: CustomOCRStack/Endpoint"):
        account.up(custom_ocr="sagemaker")
    assert account.solution.targets() == {"general_ocr": "lambda"}
    account.fake.fails.clear()
    account.up(custom_ocr="sagemaker")
    assert account.solution.targets() == {"general_ocr": "lambda", "custom_ocr": "sagemaker"}


def test_a_stack_from_a_failed_create_is_replaced(account: Account) -> None:
    account.up(general_ocr="lambda")
    account.fake.alive()[0].status = "ROLLBACK_COMPLETE"
    assert account.solution.targets() == {}
    account.up(custom_ocr="lambda")
    assert account.solution.targets() == {"custom_ocr": "lambda"}


def test_a_stack_that_needs_help_is_reported_with_the_command_to_run(account: Account) -> None:
    account.up(general_ocr="lambda")
    account.fake.alive()[0].status = "UPDATE_ROLLBACK_FAILED"
    with pytest.raises(AwsError, match="continue-update-rollback"):
        account.up(custom_ocr="lambda")


def test_a_run_after_an_interruption_gives_the_same_result(account: Account) -> None:
    faults = list(FAULTS.values())

    def up() -> None:
        account.up(general_ocr="sagemaker")

    def down() -> None:
        account.solution.down()

    up()
    expected, at = account.stacks(), 0
    down()
    while account.fake.stopped(at := at + 1, faults[at % 2], up):
        up()
        assert account.stacks() == expected, f"up stopped after step {at}"
        down()
    assert at > 8
    at = 0
    while account.fake.stopped(at := at + 1, faults[at % 2], down):
        down()
        assert (account.stacks(), account.buckets()) == (set(), []), f"down stopped after step {at}"
        up()
    assert at > 5


def test_a_run_after_an_interrupted_wait_waits_on(account: Account) -> None:
    def up() -> None:
        account.up(general_ocr="sagemaker")

    for at in range(8, 13):
        assert account.fake.stopped(at, FAULTS["Ctrl-C"], up, steps=("describe_stacks",))
        assert ("aikit", "CREATE_IN_PROGRESS") in account.stacks()
        up()
        assert ("aikit", "CREATE_COMPLETE") in account.stacks()
        account.solution.down()


def test_down_removes_everything_else_and_reports_what_it_keeps(account: Account) -> None:
    account.up(custom_ocr="sagemaker")
    account.fake.log("/aws/sagemaker/Endpoints/aikit-CustomOCRStack-Endpoint", "ready")
    account.session.client("ecr").create_repository(repositoryName="aikit/custom-ocr")
    kept = account.solution.down()
    assert [line.partition(":")[0] for line in kept] == [
        "AWS",  # the bucket with the users' OCR templates
        "/aws/sagemaker/Endpoints/aikit-CustomOCRStack-Endpoint",
        "aikit/custom-ocr",
    ]
    assert kept[0].endswith("the template keeps Templates when the stack is deleted")
    assert (account.stacks(), account.buckets(), account.fake.endpoints) == (set(), [], {})


def test_down_also_removes_images_and_logs_on_request(account: Account) -> None:
    account.up(general_ocr="sagemaker")
    account.fake.log("/aws/sagemaker/Endpoints/aikit-GeneralOCRStack-Endpoint", "ready")
    ecr = account.session.client("ecr")
    ecr.create_repository(repositoryName="aikit/general-ocr")
    assert account.solution.down(images=True, logs=True) == []
    assert (account.fake.logs, ecr.describe_repositories()["repositories"]) == ({}, [])


def test_the_bucket_is_private_encrypted_and_tagged(account: Account) -> None:
    account.up(general_ocr="lambda")
    s3 = account.session.client("s3")
    assert all(s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"] == [{"Key": "created-by", "Value": "aikit"}]
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert keys == [f"aikit/{name}" for name in sorted(SMALL)]


def test_a_bucket_not_made_here_or_with_other_objects_is_kept(account: Account) -> None:
    s3 = account.session.client("s3")
    s3.create_bucket(Bucket="mine", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    own, given = Bucket(account.aws), Bucket(account.aws, "mine")
    for bucket in (own, given):
        bucket.ensure()
        bucket.upload({"one/a": b"", "two/b": b""})
    assert given.remove("one/") == ["bucket mine: aikit did not make it"]
    assert own.remove("one/") == [f"bucket {BUCKET}: it contains other objects (1), such as two/b"]
    assert own.remove("two/") == []
    assert account.buckets() == ["mine"]


def test_a_bucket_of_another_account_is_not_used(account: Account) -> None:
    def refuse(**_: Any) -> Json:
        raise Refused("403", "Forbidden")

    account.fake.answers["s3_head_bucket"] = refuse
    with pytest.raises(AwsError, match="belongs to another account, or you may not read it; pass --bucket"):
        account.up(general_ocr="lambda")
    assert account.stacks() == set()


def test_a_dry_run_describes_each_change_and_makes_none(account: Account) -> None:
    described: list[str] = []
    dry = Solution(
        aws_of(account.session, dry_run=described.append), say=account.messages.append, features=FEATURES
    )
    dry.up({"general_ocr": "lambda"}, SMALL, confirm=lambda _: False, settings={})
    operations = [line.split()[3] for line in described]
    assert operations[0] == "create_bucket"
    assert operations[-2:] == ["create_change_set", "execute_change_set"]
    assert '"Body": "<4 bytes>"' in "".join(described)
    assert account.fake.changes == []
    account.up(general_ocr="lambda")
    account.fake.calls.clear()
    described.clear()
    dry.down(images=True, logs=True)
    assert account.fake.changes == []
    operations = [line.split()[3] for line in described]
    assert operations == [*["delete_object"] * len(SMALL), "delete_bucket", "delete_stack"]


def test_an_unknown_parameter_is_named(account: Account) -> None:
    with pytest.raises(InvalidRequest, match="Colour: no such parameter; the stack has APIGateway"):
        account.solution.up({}, SMALL, confirm=lambda _: True, settings={"Colour": "red"})
