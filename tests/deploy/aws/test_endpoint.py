"""A feature at an endpoint of its own: made, changed, taken back where it fails, and removed."""

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
from tests.support.aws.fake import ACCOUNT, FAULTS, HEALTH, MODIFYING, FakeAws, account, aws_of

NAME = "aikit-general-ocr"


class Here:
    """An account, and what was said."""

    def __init__(self, fake: FakeAws, session: Any) -> None:
        self.fake, self.session = fake, session
        self.aws = aws_of(session)
        self.said: list[str] = []

    def endpoint(self, *features: str, tag: str = "1", aws: Aws | None = None, **hosting: Any) -> Endpoint:
        return Endpoint(
            *(features or ("general_ocr",)),
            aws=aws or self.aws,
            hosting=Hosting(images=Images(tag=tag), **hosting),
            say=self.said.append,
        )

    def roles(self) -> set[str]:
        return {role["RoleName"] for role in self.session.client("iam").list_roles()["Roles"]}

    def made(self) -> tuple[set[str], ...]:
        """Names of everything there is."""
        fake = self.fake
        return set(fake.models), set(fake.configs), set(fake.endpoints), self.roles()

    def image(self) -> str:
        """What the endpoint runs."""
        config = self.fake.configs[self.fake.endpoints[NAME]["EndpointConfigName"]]
        model = self.fake.models[config["ProductionVariants"][0]["ModelName"]]
        return str(model["PrimaryContainer"]["Image"])


STEPS = (*MODIFYING, "describe_endpoint")
NOTHING: tuple[set[str], ...] = (set(), set(), set(), set())


@pytest.fixture
def here() -> Iterator[Here]:
    with account() as (fake, session):
        yield Here(fake, session)


def test_a_feature_is_up_and_down_again(here: Here) -> None:
    endpoint = here.endpoint()
    endpoint.up()
    assert endpoint.state()[:4] == (NAME, "InService", "real-time", 1)
    assert here.image() == f"{ACCOUNT}.dkr.ecr.us-west-2.amazonaws.com/aikit/general-ocr:1"
    assert here.said == [f"{NAME}: {status}" for status in ("Creating", "InService")]
    assert endpoint.down() == []
    assert here.made() == NOTHING


@pytest.mark.parametrize(
    ("hosting", "ami"),
    [
        ({}, "al2023-ami-sagemaker-inference-gpu-4-1"),
        ({"instance_type": "ml.c7i.xlarge"}, None),
        ({"inference_ami": ""}, None),
    ],
)
def test_a_gpu_instance_has_the_driver_that_the_wheels_need(
    here: Here, hosting: dict[str, Any], ami: str | None
) -> None:
    here.endpoint(**hosting).up()
    (config,) = here.fake.configs.values()
    assert config["ProductionVariants"][0].get("InferenceAmiVersion") == ami


def test_the_role_reads_one_repository_and_writes_one_log(here: Here) -> None:
    here.endpoint().up()
    iam = here.session.client("iam")
    (role,) = here.roles()
    statements = iam.get_role_policy(RoleName=role, PolicyName="aikit")["PolicyDocument"]["Statement"]
    assert f"arn:aws:ecr:us-west-2:{ACCOUNT}:repository/aikit/general-ocr" in [
        one["Resource"] for one in statements
    ]
    everywhere = [one["Action"] for one in statements if one["Resource"] == "*"]
    assert everywhere == ["ecr:GetAuthorizationToken", "cloudwatch:PutMetricData"]


def test_up_twice_changes_nothing_the_second_time(here: Here) -> None:
    here.endpoint().up()
    before = here.made()
    here.fake.calls.clear()
    here.endpoint().up()
    assert here.made() == before
    assert {operation for _, operation in here.fake.changes} == {"put_role_policy"}


def test_another_image_replaces_the_first_and_leaves_nothing_of_it(here: Here) -> None:
    here.endpoint(tag="1").up()
    here.endpoint(tag="2").up()
    assert here.image().endswith(":2")
    assert [len(names) for names in here.made()] == [1, 1, 1, 1]


def test_a_failed_create_says_why_and_leaves_nothing(here: Here) -> None:
    here.fake.broken = {"bad"}
    with pytest.raises(AwsError, match="did not pass the ping health check"):
        here.endpoint(tag="bad").up()
    assert "  ImportError: libGL.so.1" in here.said
    assert here.made() == NOTHING


@pytest.mark.parametrize("ends", ["InService", "Failed", "UpdateRollbackFailed"])
def test_a_failed_update_goes_back_to_what_ran_before(here: Here, ends: str) -> None:
    here.endpoint(tag="good").up()
    before = here.made()
    here.fake.broken, here.fake.update_ends = {"bad"}, ends
    with pytest.raises(AwsError, match=f"{HEALTH} .what ran before runs again"):
        here.endpoint(tag="bad").up()
    assert here.made() == before
    assert here.image().endswith(":good")
    assert here.endpoint().state().status == "InService"


def test_what_aws_refuses_leaves_nothing(here: Here) -> None:
    def refuse(**_: Any) -> dict[str, Any]:
        return here.fake.sagemaker_describe_endpoint("no such endpoint")

    here.fake.answers["sagemaker_create_endpoint"] = refuse
    with pytest.raises(AwsError, match="Could not find endpoint"):
        here.endpoint().up()
    assert here.made() == NOTHING


def test_a_role_just_made_is_waited_for(here: Here) -> None:
    here.fake.slow_roles = 3
    here.endpoint().up()
    assert here.endpoint().state().status == "InService"


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("act", ["create", "update", "remove"])
def test_stopped_after_any_step_and_run_again_it_comes_to_the_same(
    here: Here, act: str, fault: BaseException
) -> None:
    first, second = here.endpoint(tag="1"), here.endpoint(tag="2")
    run = second.down if act == "remove" else second.up
    prepare = first.down if act == "create" else first.up
    run()
    expected, at = here.made(), 0
    prepare()
    while here.fake.stopped(at := at + 1, fault, steps=STEPS, act=run):
        run()
        assert here.made() == expected, f"stopped after step {at}"
        prepare()
    assert at >= 10


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_failing_update_stopped_after_any_step_still_goes_back(here: Here, fault: BaseException) -> None:
    here.fake.broken = {"bad"}
    here.endpoint(tag="good").up()
    expected, at = here.made(), 0
    while here.fake.stopped(at := at + 1, fault, steps=STEPS, act=here.endpoint(tag="bad").up):
        with pytest.raises(AwsError, match="ping health check"):
            here.endpoint(tag="bad").up()
        assert here.made() == expected, f"stopped after step {at}"
    assert at > 10


def test_a_dry_run_tells_each_call_and_makes_none(here: Here) -> None:
    told: list[str] = []
    dry = aws_of(here.session, dry_run=told.append)
    here.endpoint(aws=dry).up()
    assert [line.split()[3] for line in told] == [
        "create_role", "put_role_policy", "create_model", "create_endpoint_config", "create_endpoint",
    ]  # fmt: skip
    assert json.loads(told[2].partition("create_model ")[2])["PrimaryContainer"]["Image"].endswith(
        "general-ocr:1"
    )
    here.endpoint().up()
    here.fake.calls.clear()
    told.clear()
    here.endpoint(tag="2", aws=dry).up()
    here.endpoint(aws=dry).down()
    assert here.fake.changes == []
    assert [line.split()[3] for line in told] == [
        "put_role_policy", "create_model", "create_endpoint_config", "update_endpoint",
        "delete_endpoint_config", "delete_model",
        "delete_endpoint", "delete_endpoint_config", "delete_model", "delete_role_policy", "delete_role",
    ]  # fmt: skip


def test_names_of_versions_are_told_from_those_of_longer_features() -> None:
    version = versioned_name("aikit-general-ocr", {"image": "1"})
    assert is_version_of("aikit-general-ocr", version)
    assert not is_version_of("aikit-general", version)
    assert not is_version_of("aikit-general-ocr", versioned_name("aikit-general-ocr-traditional", {}))


FEATURES = sorted(discover())


@given(st.text(min_size=1, max_size=90), st.sampled_from(FEATURES), st.integers(20, 63))
def test_names_are_short_stable_and_as_aws_wants_them(stack: str, feature: str, limit: int) -> None:
    name = resource_name(stack, feature, limit=limit)
    assert name == resource_name(stack, feature, limit=limit)
    assert len(name) <= limit
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*", name)


@given(st.text("abc-", min_size=60, max_size=90).map(lambda text: f"a{text}a"))
def test_long_names_that_differ_at_the_end_stay_apart(stack: str) -> None:
    assert resource_name(stack, "face_detection") != resource_name(stack, "face_comparison")


@pytest.mark.parametrize(
    ("hosting", "line"),
    [
        ({"serverless_mb": 8192}, "serverless: 8192 MB, one of 1024, 2048"),
        ({"serverless_mb": 1024, "asynchronous": "s3://b"}, "async, serverless: SageMaker offers one"),
        ({"asynchronous": "https://b"}, "async: https://b, not an address such as s3://"),
        ({"instances": 0}, "instances: 0, at least 1"),
    ],
)
def test_what_sagemaker_does_not_offer_is_named(hosting: dict[str, Any], line: str) -> None:
    with pytest.raises(InvalidRequest, match=line):
        Hosting(**hosting)


def test_china_has_its_own_partition_and_hosts() -> None:
    with account("cn-north-1") as (fake, session):
        Endpoint("general_ocr", aws=aws_of(session), hosting=Hosting(images=Images(tag="1"))).up()
        (model,) = fake.models.values()
    assert (
        model["PrimaryContainer"]["Image"]
        == f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn/aikit/general-ocr:1"
    )
    assert model["ExecutionRoleArn"] == f"arn:aws-cn:iam::{ACCOUNT}:role/aikit-general-ocr-cn-north-1"


def test_without_a_region_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(AwsError, match="region: none is set"):
        Aws()
