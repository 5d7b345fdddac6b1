"""A feature at an endpoint without a stack: made, changed, rolled back after a failure, and removed."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.aws.calls import Aws, AwsError
from deploy.aws.images import Images
from deploy.aws.names import is_version_of, resource_name, versioned_name
from deploy.endpoint import Endpoint, Hosting
from serving.errors import InvalidRequest
from serving.feature import discover
from tests.support.aws.fake import ACCOUNT, FAULTS, HEALTH, MODIFYING, FakeAws, aws_of, fake_account

NAME = "aikit-general-ocr"


class Account:
    """A fake account, and the progress messages."""

    def __init__(self, fake: FakeAws, session: Any) -> None:
        self.fake, self.session = fake, session
        self.aws = aws_of(session)
        self.messages: list[str] = []

    def endpoint(self, *features: str, tag: str = "1", aws: Aws | None = None, **hosting: Any) -> Endpoint:
        return Endpoint(
            *(features or ("general_ocr",)),
            aws=aws or self.aws,
            hosting=Hosting(images=Images(tag=tag), **hosting),
            say=self.messages.append,
        )

    def roles(self) -> set[str]:
        return {role["RoleName"] for role in self.session.client("iam").list_roles()["Roles"]}

    def made(self) -> tuple[set[str], ...]:
        """Returns the names of all models, configurations, endpoints and roles."""
        fake = self.fake
        return set(fake.models), set(fake.configs), set(fake.endpoints), self.roles()

    def image(self) -> str:
        """Returns the image that the endpoint runs."""
        config = self.fake.configs[self.fake.endpoints[NAME]["EndpointConfigName"]]
        model = self.fake.models[config["ProductionVariants"][0]["ModelName"]]
        return str(model["PrimaryContainer"]["Image"])


STEPS = (*MODIFYING, "describe_endpoint")
NOTHING: tuple[set[str], ...] = (set(), set(), set(), set())


@pytest.fixture
def account() -> Iterator[Account]:
    with fake_account() as (fake, session):
        yield Account(fake, session)


def test_a_feature_is_deployed_and_removed(account: Account) -> None:
    endpoint = account.endpoint()
    endpoint.up()
    assert endpoint.state()[:4] == (NAME, "InService", "real-time", 1)
    assert account.image() == f"{ACCOUNT}.dkr.ecr.us-west-2.amazonaws.com/aikit/general-ocr:1"
    assert account.messages == [f"{NAME}: {status}" for status in ("Creating", "InService")]
    assert endpoint.down() == []
    assert account.made() == NOTHING


@pytest.mark.parametrize(
    ("hosting", "ami"),
    [
        ({}, "al2023-ami-sagemaker-inference-gpu-4-1"),
        ({"instance_type": "ml.c7i.xlarge"}, None),
        ({"inference_ami": ""}, None),
    ],
)
def test_a_gpu_instance_has_the_host_image_with_the_required_driver(
    account: Account, hosting: dict[str, Any], ami: str | None
) -> None:
    account.endpoint(**hosting).up()
    (config,) = account.fake.configs.values()
    assert config["ProductionVariants"][0].get("InferenceAmiVersion") == ami


def test_the_role_reads_one_repository_and_writes_one_log(account: Account) -> None:
    account.endpoint().up()
    iam = account.session.client("iam")
    (role,) = account.roles()
    statements = iam.get_role_policy(RoleName=role, PolicyName="aikit")["PolicyDocument"]["Statement"]
    assert f"arn:aws:ecr:us-west-2:{ACCOUNT}:repository/aikit/general-ocr" in [
        one["Resource"] for one in statements
    ]
    everywhere = [one["Action"] for one in statements if one["Resource"] == "*"]
    assert everywhere == ["ecr:GetAuthorizationToken", "cloudwatch:PutMetricData"]


def test_a_second_up_changes_nothing(account: Account) -> None:
    account.endpoint().up()
    before = account.made()
    account.fake.calls.clear()
    account.endpoint().up()
    assert account.made() == before
    assert {operation for _, operation in account.fake.changes} == {"put_role_policy"}


def test_another_image_replaces_the_first_completely(account: Account) -> None:
    account.endpoint(tag="1").up()
    account.endpoint(tag="2").up()
    assert account.image().endswith(":2")
    assert [len(names) for names in account.made()] == [1, 1, 1, 1]


def test_a_failed_create_shows_the_reason_and_leaves_nothing(account: Account) -> None:
    account.fake.broken = {"bad"}
    with pytest.raises(AwsError, match="did not pass the ping health check"):
        account.endpoint(tag="bad").up()
    assert "  ImportError: libGL.so.1" in account.messages
    assert account.made() == NOTHING


@pytest.mark.parametrize("ends", ["InService", "Failed", "UpdateRollbackFailed"])
def test_a_failed_update_returns_to_the_previous_version(account: Account, ends: str) -> None:
    account.endpoint(tag="good").up()
    before = account.made()
    account.fake.broken, account.fake.update_ends = {"bad"}, ends
    with pytest.raises(AwsError, match=f"{HEALTH} .the previous version runs again"):
        account.endpoint(tag="bad").up()
    assert account.made() == before
    assert account.image().endswith(":good")
    assert account.endpoint().state().status == "InService"


def test_a_refused_call_leaves_nothing(account: Account) -> None:
    def refuse(**_: Any) -> dict[str, Any]:
        return account.fake.sagemaker_describe_endpoint("no such endpoint")

    account.fake.answers["sagemaker_create_endpoint"] = refuse
    with pytest.raises(AwsError, match="Could not find endpoint"):
        account.endpoint().up()
    assert account.made() == NOTHING


def test_a_refused_new_role_is_tried_again(account: Account) -> None:
    account.fake.slow_roles = 3
    account.endpoint().up()
    assert account.endpoint().state().status == "InService"


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("act", ["create", "update", "remove"])
def test_a_run_after_an_interruption_gives_the_same_result(
    account: Account, act: str, fault: BaseException
) -> None:
    first, second = account.endpoint(tag="1"), account.endpoint(tag="2")
    run = second.down if act == "remove" else second.up
    prepare = first.down if act == "create" else first.up
    run()
    expected, at = account.made(), 0
    prepare()
    while account.fake.stopped(at := at + 1, fault, steps=STEPS, act=run):
        run()
        assert account.made() == expected, f"stopped after step {at}"
        prepare()
    assert at >= 10


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_failing_update_after_an_interruption_is_rolled_back(
    account: Account, fault: BaseException
) -> None:
    account.fake.broken = {"bad"}
    account.endpoint(tag="good").up()
    expected, at = account.made(), 0
    while account.fake.stopped(at := at + 1, fault, steps=STEPS, act=account.endpoint(tag="bad").up):
        with pytest.raises(AwsError, match="ping health check"):
            account.endpoint(tag="bad").up()
        assert account.made() == expected, f"stopped after step {at}"
    assert at > 10


def test_a_dry_run_describes_each_change_and_makes_none(account: Account) -> None:
    described: list[str] = []
    dry = aws_of(account.session, dry_run=described.append)
    account.endpoint(aws=dry).up()
    assert [line.split()[3] for line in described] == [
        "create_role", "put_role_policy", "create_model", "create_endpoint_config", "create_endpoint",
    ]  # fmt: skip
    assert json.loads(described[2].partition("create_model ")[2])["PrimaryContainer"]["Image"].endswith(
        "general-ocr:1"
    )
    account.endpoint().up()
    account.fake.calls.clear()
    described.clear()
    account.endpoint(tag="2", aws=dry).up()
    account.endpoint(aws=dry).down()
    assert account.fake.changes == []
    assert [line.split()[3] for line in described] == [
        "put_role_policy", "create_model", "create_endpoint_config", "update_endpoint",
        "delete_endpoint_config", "delete_model",
        "delete_endpoint", "delete_endpoint_config", "delete_model", "delete_role_policy", "delete_role",
    ]  # fmt: skip


def test_a_version_of_a_feature_with_a_longer_name_is_not_mistaken() -> None:
    version = versioned_name("aikit-general-ocr", {"image": "1"})
    assert is_version_of("aikit-general-ocr", version)
    assert not is_version_of("aikit-general", version)
    assert not is_version_of("aikit-general-ocr", versioned_name("aikit-general-ocr-traditional", {}))


FEATURES = sorted(discover())


@given(st.text(min_size=1, max_size=90), st.sampled_from(FEATURES), st.integers(20, 63))
def test_names_are_short_stable_and_have_allowed_characters(stack: str, feature: str, limit: int) -> None:
    name = resource_name(stack, feature, limit=limit)
    assert name == resource_name(stack, feature, limit=limit)
    assert len(name) <= limit
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*", name)


@given(st.text("abc-", min_size=60, max_size=90).map(lambda text: f"a{text}a"))
def test_long_names_that_differ_only_at_the_end_stay_different(stack: str) -> None:
    assert resource_name(stack, "face_detection") != resource_name(stack, "face_comparison")


@pytest.mark.parametrize(
    ("hosting", "line"),
    [
        ({"serverless_mb": 8192}, "serverless: 8192 MB, must be one of 1024, 2048"),
        ({"serverless_mb": 1024, "asynchronous": "s3://b"}, "async, serverless: give one of the two"),
        ({"asynchronous": "https://b"}, "async: https://b, must be an address such as s3://"),
        ({"instances": 0}, "instances: 0, must be at least 1"),
    ],
)
def test_options_that_sagemaker_does_not_offer_are_refused(hosting: dict[str, Any], line: str) -> None:
    with pytest.raises(InvalidRequest, match=line):
        Hosting(**hosting)


def test_china_has_its_own_partition_and_hosts() -> None:
    with fake_account("cn-north-1") as (fake, session):
        Endpoint("general_ocr", aws=aws_of(session), hosting=Hosting(images=Images(tag="1"))).up()
        (model,) = fake.models.values()
    assert (
        model["PrimaryContainer"]["Image"]
        == f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn/aikit/general-ocr:1"
    )
    assert model["ExecutionRoleArn"] == f"arn:aws-cn:iam::{ACCOUNT}:role/aikit-general-ocr-cn-north-1"


def test_a_missing_region_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(AwsError, match="region: not set"):
        Aws()
