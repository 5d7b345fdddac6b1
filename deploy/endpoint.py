"""Deploys a feature at a SageMaker endpoint without a stack, for notebooks and quick trials.

endpoint = Endpoint("general_ocr")
endpoint.up()
endpoint.invoke(Path("page.jpg").read_bytes(), "image/jpeg")
endpoint.down()
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from serving.errors import InvalidRequest
from serving.feature import Feature, find
from serving.http import Json
from serving.service import Reply

from .aws import logs as aws_logs
from .aws.calls import Aws, AwsError, Say
from .aws.endpoint import EndpointState, HostedEndpoint, Version, state_of
from .aws.images import TOGETHER, Images
from .aws.invoke import invoke, split_s3
from .aws.names import resource_name
from .aws.role import Role, hosting_statements
from .cloudformation.endpoint import VARIANT
from .cloudformation.parameters import SHARED

_NAME_LIMIT = 54  # SageMaker allows 63; the rest is for a hyphen and the hash of a version
_STARTUP_S = 900
_SERVERLESS_CONCURRENCY = 5
_MEMORIES_MB = range(1024, 6145, 1024)
_ASYNC_ENVIRONMENT = {"AIKIT_DEADLINE_S": "3500", "AIKIT_HANG_S": "3600", "AIKIT_MAX_BODY_MB": "1024"}


@dataclass(frozen=True, kw_only=True)
class Hosting:
    """The way in which an endpoint runs.

    instance_type: empty means the type that the feature declares.
    role: name or ARN of an IAM role that SageMaker may assume; empty means that one is made, which may do
        only what the endpoint needs.
    asynchronous: `s3://bucket/prefix` for requests and replies of up to 1 GB and one hour; empty means an
        endpoint that replies at once.
    serverless_mb: memory of a serverless endpoint, which has no GPU and takes requests of at most 4 MB; None
        means an endpoint with instances.
    inference_ami: host image of GPU instances, with the driver that the CUDA wheels need; empty for a region
        that offers no choice.

    Raises `InvalidRequest` for values that SageMaker does not offer.
    """

    images: Images = field(default_factory=Images)
    instance_type: str = ""
    instances: int = 1
    role: str = ""
    asynchronous: str = ""
    serverless_mb: int | None = None
    inference_ami: str = SHARED["InferenceAmiVersion"]["Default"]
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.instances < 1:
            raise InvalidRequest(f"instances: {self.instances}, must be at least 1")
        if self.serverless_mb is not None and self.serverless_mb not in _MEMORIES_MB:
            sizes = ", ".join(map(str, _MEMORIES_MB))
            raise InvalidRequest(f"serverless: {self.serverless_mb} MB, must be one of {sizes}")
        if self.asynchronous and self.serverless_mb is not None:
            raise InvalidRequest("async, serverless: give one of the two; SageMaker does not combine them")
        if self.asynchronous and not re.match(r"s3://[a-z0-9][a-z0-9.-]+(/|$)", self.asynchronous):
            raise InvalidRequest(f"async: {self.asynchronous}, must be an address such as s3://bucket/prefix")


def _quiet(_: str) -> None:
    pass


class Endpoint:
    """One endpoint with one feature, or with several features that share it.

    features: names or declarations. The names of all resources follow from the stack and the feature, so
    another `Endpoint` object with the same arguments finds them again.
    """

    def __init__(
        self,
        *features: Feature | str,
        aws: Aws | None = None,
        stack: str = "aikit",
        hosting: Hosting | None = None,
        say: Say = _quiet,
    ) -> None:
        self._features = [find(feature) if isinstance(feature, str) else feature for feature in features]
        if not self._features:
            raise InvalidRequest("feature: name at least one")
        self._aws, self._hosting, self._say = aws or Aws(), hosting or Hosting(), say
        image = self._features[0].name if len(self._features) == 1 else TOGETHER
        self.name = resource_name(stack, image, limit=_NAME_LIMIT)
        self.instance_type = self._hosting.instance_type or self._features[0].resources.instance_type
        self._image = image
        tags = {"aikit:stack": stack, "aikit:feature": image}
        self._hosted = HostedEndpoint(self._aws, self.name, tags=tags, say=say)
        self._role = Role(self._aws, resource_name(stack, image, self._aws.region, limit=64))

    def up(self) -> None:
        """Makes or updates the endpoint, and waits until it answers.

        Raises `AwsError` with SageMaker's reason. The previous version then runs on, or nothing is left
        behind if there was none.
        """
        try:
            self._hosted.run(self._version())
        except AwsError:
            if self._hosted.describe() is None:
                self._role.delete()
            raise

    def down(self, *, logs: bool = False) -> list[str]:
        """Removes every resource of the endpoint. Returns what is kept, with the reason.

        logs: also delete the log group.
        """
        removed = (self._hosted.delete(), self._role.delete())
        if any(removed) and not self._aws.dry_run:
            self._say(f"{self.name}: removed, together with its configurations, models and role")
        group = aws_logs.endpoint_group(self.name)
        if not aws_logs.exists(self._aws, group):
            return []
        if logs:
            aws_logs.delete_group(self._aws, group)
            return []
        return [f"{group}: {aws_logs.KEPT}"]

    def state(self) -> EndpointState:
        """Returns the present state of the endpoint."""
        return state_of(self._aws, self.name)

    def invoke(self, body: bytes, content_type: str, *, feature: str = "") -> Reply:
        """Sends one request and returns the reply of the container, also when it is an error.

        feature: the feature to call; required when several share the endpoint.
        """
        if len(self._features) > 1 and not feature:
            raise InvalidRequest("feature: the endpoint has several features; name one")
        return invoke(self._aws, self.name, body, content_type, feature=feature)

    def _version(self) -> Version:
        hosting = self._hosting
        images, asynchronous = hosting.images, hosting.asynchronous.rstrip("/")
        environment = dict(hosting.environment)
        if len(self._features) > 1:
            environment["AIKIT_FEATURE"] = ",".join(feature.name for feature in self._features)
        if asynchronous:
            environment = _ASYNC_ENVIRONMENT | environment
        image = f"{images.host(self._aws)}/{images.repository(self._image)}:{images.tag}"
        model = {
            "ExecutionRoleArn": self._role_arn(),
            "PrimaryContainer": {"Image": image, "Environment": environment},
        }
        return Version(model, self._variant(), _async_config(asynchronous))

    def _variant(self) -> Json:
        hosting = self._hosting
        if hosting.serverless_mb is not None:
            serverless = {"MemorySizeInMB": hosting.serverless_mb, "MaxConcurrency": _SERVERLESS_CONCURRENCY}
            return {"VariantName": VARIANT, "ServerlessConfig": serverless}
        variant: Json = {
            "VariantName": VARIANT,
            "InstanceType": self.instance_type,
            "InitialInstanceCount": hosting.instances,
            "ContainerStartupHealthCheckTimeoutInSeconds": _STARTUP_S,
        }
        if hosting.inference_ami and re.match(r"ml\.[gp]\d", self.instance_type):
            variant["InferenceAmiVersion"] = hosting.inference_ami
        return variant

    def _role_arn(self) -> str:
        """Returns the ARN of the configured role, or of a role that is made for this endpoint."""
        given, aws = self._hosting.role, self._aws
        if given:
            return given if given.startswith("arn:") else aws.arn("iam", f"role/{given}", region="")
        statements = hosting_statements(
            aws,
            self._hosting.images.arn(aws, self._image),
            aws_logs.endpoint_group(self.name),
            ["/".join(filter(None, split_s3(place))) for place in (self._hosting.asynchronous,) if place],
        )
        return self._role.ensure(statements)


def _async_config(place: str) -> Json:
    if not place:
        return {}
    output = {"S3OutputPath": f"{place}/output", "S3FailurePath": f"{place}/failure"}
    return {"AsyncInferenceConfig": {"OutputConfig": output}}
