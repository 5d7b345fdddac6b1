"""The solution as a CloudFormation stack: shown, agreed to, watched, cleaned up, and removed."""

from collections.abc import Iterator
from typing import Any

import pytest

from deploy.aws.bucket import Bucket
from deploy.aws.calls import AwsError
from deploy.cloudformation.templates import assets, templates
from deploy.stack import Solution, files_of
from serving.errors import InvalidRequest
from tests.support.aws.fake import FAULTS, HEALTH, account, aws_of
from tests.support.aws.fake_template import Json, Refused
from tests.support.aws.solution import BUCKET, FEATURES, SMALL, Here


@pytest.fixture
def here() -> Iterator[Here]:
    with account() as (fake, session):
        yield Here(fake, session)


def test_what_will_change_is_shown_then_done_and_watched(here: Here) -> None:
    assert here.up(general_ocr="sagemaker")
    assert [(change.action, change.place) for change in here.shown] == [
        ("Add", "Api"), ("Add", "GeneralOCRStack"), ("Add", "GeneralOCRStack/Endpoint"),
    ]  # fmt: skip
    events = [line.split()[1:] for line in here.said]
    assert ["CREATE_COMPLETE", "GeneralOCRStack/Endpoint"] in events
    assert events[-1] == ["CREATE_COMPLETE", "aikit"]
    (row,) = here.solution.status()
    assert row[:5] == ("general_ocr", "sagemaker", "InService", 0, "https://api/prod/general_ocr")


def test_the_templates_of_this_project_are_deployed(here: Here) -> None:
    files = files_of(templates(FEATURES), assets(FEATURES))
    assert here.up(files, general_ocr="lambda", custom_ocr="sagemaker")
    rows = {row.feature: row for row in here.solution.status()}
    assert {name: row.target for name, row in rows.items()} == {
        "general_ocr": "lambda",
        "custom_ocr": "sagemaker",
    }
    assert rows["general_ocr"].status == "CREATE_COMPLETE"
    assert rows["custom_ocr"].url.endswith("/prod/custom_ocr")
    assert rows["custom_ocr"].log_group.startswith("/aws/sagemaker/Endpoints/")


def test_features_that_are_not_named_stay_as_they_are(here: Here) -> None:
    here.up(general_ocr="lambda")
    here.up(custom_ocr="sagemaker")
    assert here.solution.targets() == {"general_ocr": "lambda", "custom_ocr": "sagemaker"}
    assert not [change for change in here.shown if change.place.startswith("GeneralOCR")]


def test_where_nothing_changes_nobody_is_asked(here: Here) -> None:
    here.up(general_ocr="lambda")
    here.shown.clear()
    assert here.up(general_ocr="lambda", agree=False)
    assert here.shown == []
    assert here.said[-1] == "aikit: nothing changes"


def test_what_is_not_agreed_to_leaves_no_trace(here: Here) -> None:
    assert not here.up(general_ocr="lambda", agree=False)
    assert here.stacks() == set()
    here.up(general_ocr="lambda")
    before = here.stacks()
    assert not here.up(custom_ocr="lambda", agree=False)
    assert here.stacks() == before
    assert not any(stack.change_sets for stack in here.fake.alive())


def test_a_failed_create_tells_every_cause_and_is_removed(here: Here) -> None:
    here.fake.fails["Endpoint"] = HEALTH
    here.fake.log("/aws/sagemaker/Endpoints/aikit-GeneralOCRStack-Endpoint", "ImportError: libGL.so.1")
    with pytest.raises(AwsError, match=f"GeneralOCRStack/Endpoint: {HEALTH}") as failed:
        here.up(general_ocr="sagemaker")
    assert "Embedded stack" not in str(failed.value)
    assert "  ImportError: libGL.so.1" in here.said
    assert here.stacks() == set()
    here.fake.fails.clear()
    here.up(general_ocr="sagemaker")
    assert ("aikit", "CREATE_COMPLETE") in here.stacks()


def test_a_failed_create_tells_what_outlives_it(here: Here) -> None:
    here.fake.fails["Endpoint"] = HEALTH
    with pytest.raises(AwsError, match=HEALTH):
        here.up(custom_ocr="sagemaker")
    assert here.said[-1] == "kept: AWS::S3::Bucket aikit-CustomOCRStack-Templates"


def test_a_failed_update_is_rolled_back_and_what_ran_runs_on(here: Here) -> None:
    here.up(general_ocr="lambda")
    here.fake.fails["Endpoint"] = HEALTH
    with pytest.raises(AwsError, match="UPDATE_ROLLBACK_COMPLETE: CustomOCRStack/Endpoint"):
        here.up(custom_ocr="sagemaker")
    assert here.solution.targets() == {"general_ocr": "lambda"}
    here.fake.fails.clear()
    here.up(custom_ocr="sagemaker")
    assert here.solution.targets() == {"general_ocr": "lambda", "custom_ocr": "sagemaker"}


def test_what_a_failed_create_left_behind_does_not_stand_in_the_way(here: Here) -> None:
    here.up(general_ocr="lambda")
    here.fake.alive()[0].status = "ROLLBACK_COMPLETE"
    assert here.solution.targets() == {}
    here.up(custom_ocr="lambda")
    assert here.solution.targets() == {"custom_ocr": "lambda"}


def test_a_stack_that_cannot_go_on_by_itself_is_named_with_what_to_do(here: Here) -> None:
    here.up(general_ocr="lambda")
    here.fake.alive()[0].status = "UPDATE_ROLLBACK_FAILED"
    with pytest.raises(AwsError, match="continue-update-rollback"):
        here.up(custom_ocr="lambda")


def test_stopped_after_any_step_and_run_again_it_comes_to_the_same(here: Here) -> None:
    faults = list(FAULTS.values())

    def up() -> None:
        here.up(general_ocr="sagemaker")

    def down() -> None:
        here.solution.down()

    up()
    expected, at = here.stacks(), 0
    down()
    while here.fake.stopped(at := at + 1, faults[at % 2], up):
        up()
        assert here.stacks() == expected, f"up stopped after step {at}"
        down()
    assert at > 8
    at = 0
    while here.fake.stopped(at := at + 1, faults[at % 2], down):
        down()
        assert (here.stacks(), here.buckets()) == (set(), []), f"down stopped after step {at}"
        up()
    assert at > 5


def test_stopped_while_it_waits_and_run_again_it_waits_on(here: Here) -> None:
    def up() -> None:
        here.up(general_ocr="sagemaker")

    for at in range(8, 13):
        assert here.fake.stopped(at, FAULTS["Ctrl-C"], up, steps=("describe_stacks",))
        assert ("aikit", "CREATE_IN_PROGRESS") in here.stacks()
        up()
        assert ("aikit", "CREATE_COMPLETE") in here.stacks()
        here.solution.down()


def test_down_removes_everything_and_says_what_it_keeps_and_why(here: Here) -> None:
    here.up(custom_ocr="sagemaker")
    here.fake.log("/aws/sagemaker/Endpoints/aikit-CustomOCRStack-Endpoint", "ready")
    here.session.client("ecr").create_repository(repositoryName="aikit/custom-ocr")
    kept = here.solution.down()
    assert [line.partition(":")[0] for line in kept] == [
        "AWS",  # the bucket of the templates that users made
        "/aws/sagemaker/Endpoints/aikit-CustomOCRStack-Endpoint",
        "aikit/custom-ocr",
    ]
    assert kept[0].endswith("Templates of the templates is to outlive the stack")
    assert (here.stacks(), here.buckets(), here.fake.endpoints) == (set(), [], {})


def test_down_removes_images_and_logs_too_where_it_is_asked_to(here: Here) -> None:
    here.up(general_ocr="sagemaker")
    here.fake.log("/aws/sagemaker/Endpoints/aikit-GeneralOCRStack-Endpoint", "ready")
    ecr = here.session.client("ecr")
    ecr.create_repository(repositoryName="aikit/general-ocr")
    assert here.solution.down(images=True, logs=True) == []
    assert (here.fake.logs, ecr.describe_repositories()["repositories"]) == ({}, [])


def test_the_bucket_is_private_and_encrypted_and_says_who_made_it(here: Here) -> None:
    here.up(general_ocr="lambda")
    s3 = here.session.client("s3")
    assert all(s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"] == [{"Key": "created-by", "Value": "aikit"}]
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert keys == [f"aikit/{name}" for name in sorted(SMALL)]


def test_a_bucket_that_was_there_before_or_holds_more_is_kept(here: Here) -> None:
    s3 = here.session.client("s3")
    s3.create_bucket(Bucket="mine", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    own, given = Bucket(here.aws), Bucket(here.aws, "mine")
    for bucket in (own, given):
        bucket.ensure()
        bucket.upload({"one/a": b"", "two/b": b""})
    assert given.remove("one/") == ["bucket mine: it was there before"]
    assert own.remove("one/") == [f"bucket {BUCKET}: it holds 1 other objects, such as two/b"]
    assert own.remove("two/") == []
    assert here.buckets() == ["mine"]


def test_a_bucket_of_somebody_else_is_not_used(here: Here) -> None:
    def refuse(**_: Any) -> Json:
        raise Refused("403", "Forbidden")

    here.fake.answers["s3_head_bucket"] = refuse
    with pytest.raises(AwsError, match="belongs to another account, or may not be read; pass --bucket"):
        here.up(general_ocr="lambda")
    assert here.stacks() == set()


def test_a_dry_run_tells_each_call_and_makes_none(here: Here) -> None:
    told: list[str] = []
    dry = Solution(aws_of(here.session, dry_run=told.append), say=here.said.append, features=FEATURES)
    dry.up({"general_ocr": "lambda"}, SMALL, confirm=lambda _: False, settings={})
    operations = [line.split()[3] for line in told]
    assert operations[0] == "create_bucket"
    assert operations[-2:] == ["create_change_set", "execute_change_set"]
    assert '"Body": "<4 bytes>"' in "".join(told)
    assert here.fake.changes == []
    here.up(general_ocr="lambda")
    here.fake.calls.clear()
    told.clear()
    dry.down(images=True, logs=True)
    assert here.fake.changes == []
    operations = [line.split()[3] for line in told]
    assert operations == [*["delete_object"] * len(SMALL), "delete_bucket", "delete_stack"]


def test_a_parameter_that_there_is_not_is_named(here: Here) -> None:
    with pytest.raises(InvalidRequest, match="Colour: no such parameter; there is APIGatewayAuthorization"):
        here.solution.up({}, SMALL, confirm=lambda _: True, settings={"Colour": "red"})
