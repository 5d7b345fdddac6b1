"""Requests to real-time, serverless and asynchronous endpoints, and to an endpoint with several features."""

from collections.abc import Iterator
from typing import Any

import pytest

from deploy.aws.calls import Aws, AwsError
from deploy.aws.images import Images
from deploy.aws.logs import endpoint_group, follow, tail
from deploy.aws.role import hosting_statements
from deploy.endpoint import Endpoint, Hosting
from serving.errors import InvalidRequest, PayloadTooLarge
from tests.support.aws.fake import FakeAws, aws_of, fake_account
from tests.support.aws.fake_template import Refused


@pytest.fixture
def account() -> Iterator[tuple[FakeAws, Aws, Any]]:
    with fake_account() as (fake, session):
        yield fake, aws_of(session), session


def _up(aws: Aws, *features: str, **hosting: Any) -> Endpoint:
    endpoint = Endpoint(*features, aws=aws, hosting=Hosting(images=Images(tag="1"), **hosting))
    endpoint.up()
    return endpoint


class _Stream:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self) -> bytes:
        return self._content


def _answering(fake: FakeAws, body: bytes) -> list[dict[str, Any]]:
    """Makes every endpoint answer with that body. Returns the list that receives the requests."""
    asked: list[dict[str, Any]] = []

    def answer(**parameters: Any) -> dict[str, Any]:
        asked.append(parameters)
        return {"Body": _Stream(body), "ContentType": "application/json"}

    fake.answers["sagemaker_runtime_invoke_endpoint"] = answer
    return asked


def test_an_endpoint_answers(account: tuple[FakeAws, Aws, Any]) -> None:
    fake, aws, _ = account
    endpoint = _up(aws, "general_ocr")
    asked = _answering(fake, b'["a line"]')
    reply = endpoint.invoke(b"photo", "image/jpeg")
    assert (reply.status, reply.body) == (200, b'["a line"]')
    kinds = {"ContentType": "image/jpeg", "Accept": "application/json"}
    assert asked == [{"EndpointName": "aikit-general-ocr", "Body": b"photo", **kinds}]


def test_an_error_of_the_container_is_returned_as_the_reply(account: tuple[FakeAws, Aws, Any]) -> None:
    fake, aws, _ = account
    endpoint = _up(aws, "general_ocr")

    def answer(**_: Any) -> dict[str, Any]:
        problem = {"OriginalStatusCode": 422, "OriginalMessage": '{"detail": "img: not an image"}'}
        raise Refused("ModelError", "Received client error (422)", **problem)

    fake.answers["sagemaker_runtime_invoke_endpoint"] = answer
    reply = endpoint.invoke(b"text", "image/jpeg")
    assert (reply.status, reply.body) == (422, b'{"detail": "img: not an image"}')


def test_a_missing_endpoint_is_named(account: tuple[FakeAws, Aws, Any]) -> None:
    with pytest.raises(AwsError, match=r"Could not find endpoint .aikit-general-ocr"):
        Endpoint("general_ocr", aws=account[1]).invoke(b"photo", "image/jpeg")


def test_several_features_share_one_endpoint(account: tuple[FakeAws, Aws, Any]) -> None:
    fake, aws, _ = account
    endpoint = _up(aws, "general_ocr", "face_detection")
    (model,) = fake.models.values()
    assert model["PrimaryContainer"]["Image"].endswith("aikit/together:1")
    assert model["PrimaryContainer"]["Environment"] == {"AIKIT_FEATURE": "general_ocr,face_detection"}
    asked = _answering(fake, b"[]")
    endpoint.invoke(b"photo", "image/jpeg", feature="face_detection")
    assert asked[0]["CustomAttributes"] == "feature=face_detection"
    with pytest.raises(InvalidRequest, match="feature: the endpoint has several features; name one"):
        endpoint.invoke(b"photo", "image/jpeg")


def test_a_serverless_endpoint_has_memory_and_no_instance(account: tuple[FakeAws, Aws, Any]) -> None:
    fake, aws, _ = account
    endpoint = _up(aws, "general_ocr", serverless_mb=4096)
    (config,) = fake.configs.values()
    (variant,) = config["ProductionVariants"]
    assert variant["ServerlessConfig"] == {"MemorySizeInMB": 4096, "MaxConcurrency": 5}
    assert "InstanceType" not in variant
    assert endpoint.state()[1:4] == ("InService", "serverless", None)


@pytest.mark.parametrize(("hosting", "limit"), [({}, 6), ({"serverless_mb": 2048}, 4)])
def test_a_body_that_sagemaker_would_refuse_is_not_sent(
    account: tuple[FakeAws, Aws, Any], hosting: dict[str, Any], limit: int
) -> None:
    fake, aws, _ = account
    endpoint = _up(aws, "general_ocr", **hosting)
    asked = _answering(fake, b"[]")
    endpoint.invoke(bytes(limit << 20), "image/png")
    with pytest.raises(PayloadTooLarge, match=f"body: {(limit << 20) + 1} bytes, at most {limit << 20} at a"):
        endpoint.invoke(bytes((limit << 20) + 1), "image/png")
    assert len(asked) == 1


@pytest.mark.parametrize(("place", "status"), [("OutputLocation", 200), ("FailureLocation", 500)])
def test_an_asynchronous_request_goes_through_the_bucket(
    account: tuple[FakeAws, Aws, Any], place: str, status: int
) -> None:
    fake, aws, session = account
    s3 = session.client("s3")
    s3.create_bucket(Bucket="photos", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    endpoint = _up(aws, "human_image_segmentation", asynchronous="s3://photos/segmented/")
    asked: list[bytes] = []

    def answer(**parameters: Any) -> dict[str, Any]:
        key = parameters["InputLocation"].removeprefix("s3://photos/")
        asked.append(s3.get_object(Bucket="photos", Key=key)["Body"].read())
        s3.put_object(Bucket="photos", Key=f"segmented/{place}/1", Body=b"reply", ContentType="text/plain")
        names = ("OutputLocation", "FailureLocation")
        return {
            "InferenceId": parameters["InferenceId"],
            **{name: f"s3://photos/segmented/{name}/1" for name in names},
        }

    fake.answers["sagemaker_runtime_invoke_endpoint_async"] = answer
    photo = bytes(8 << 20)
    reply = endpoint.invoke(photo, "image/png")
    assert (asked, reply.status, reply.body) == ([photo], status, b"reply")
    assert endpoint.state().kind == "async"
    kept = [item["Key"] for item in s3.list_objects_v2(Bucket="photos")["Contents"]]
    assert kept == [f"segmented/{place}/1"], "the request was not deleted from the bucket"
    (config,) = fake.configs.values()
    output = config["AsyncInferenceConfig"]["OutputConfig"]
    assert output["S3OutputPath"] == "s3://photos/segmented/output"


def test_an_asynchronous_container_may_access_only_its_folder(account: tuple[FakeAws, Aws, Any]) -> None:
    _, aws, _ = account
    *_, last = hosting_statements(aws, "repository", "/log", ["photos/segmented"])
    assert last["Resource"] == ["arn:aws:s3:::photos/segmented/*"]


def test_a_log_is_followed_while_it_grows(account: tuple[FakeAws, Aws, Any]) -> None:
    fake, aws, _ = account
    group = endpoint_group("aikit-general-ocr")
    assert tail(aws, group) == []
    fake.log(group, "one", "two")
    lines = follow(aws, group, lines=1)
    assert next(lines) == "two"
    fake.log(group, "three")
    assert next(lines) == "three"


def test_an_unreadable_log_does_not_hide_the_failure(account: tuple[FakeAws, Aws, Any]) -> None:
    fake, aws, _ = account

    def refuse(**_: Any) -> dict[str, Any]:
        raise Refused("AccessDeniedException", "not authorized")

    fake.answers["logs_filter_log_events"] = refuse
    fake.broken = {"1"}
    with pytest.raises(AwsError, match="ping health check"):
        _up(aws, "general_ocr")
