"""One SageMaker endpoint, with its endpoint configurations and models."""

from typing import NamedTuple

from serving.http import Json

from . import logs as aws_logs
from .calls import Aws, AwsError, Say
from .invoke import kind_of
from .names import is_version_of, versioned_name

_LIMIT_S = 3600
_MOVING = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")
_BROKEN = ("Failed", "OutOfService", "UpdateRollbackFailed")  # an endpoint never leaves these states


class Version(NamedTuple):
    """Something that an endpoint can run: parameters of create_model and create_endpoint_config."""

    model: Json
    variant: Json
    config: Json


class EndpointState(NamedTuple):
    """The state of an endpoint.

    status: status that SageMaker reports, or `absent`. kind: see `kind_of`. instances: None for a serverless
    endpoint. reason: reason of a failure.
    """

    name: str
    status: str
    kind: str = ""
    instances: int | None = None
    reason: str = ""


class HostedEndpoint:
    """The endpoint `name` of an account. Every method can be repeated, also after an interruption.

    The name of a configuration or model contains a hash of its content, so each version has its own name.
    """

    def __init__(self, aws: Aws, name: str, *, tags: dict[str, str], say: Say) -> None:
        self._aws, self.name, self._say = aws, name, say
        self._tags = [{"Key": key, "Value": value} for key, value in tags.items()]
        self._status = ""

    def describe(self) -> Json | None:
        """Returns the answer of DescribeEndpoint, or None when the endpoint does not exist."""
        return self._aws.find("sagemaker", "describe_endpoint", EndpointName=self.name)

    def run(self, version: Version) -> None:
        """Makes the endpoint run that version.

        Raises `AwsError` with SageMaker's reason. The endpoint then runs the previous version, or nothing is
        left if there was none.
        """
        try:
            self._reach(version)
        except AwsError:
            current = self.describe()
            if current is None:
                self._tidy(keep=set())
            elif current["EndpointStatus"] not in _MOVING:  # a moving endpoint may still need them
                self._tidy(keep=self._parts(current["EndpointConfigName"]))
            raise

    def _reach(self, version: Version) -> None:
        config, model = self._make(version)
        current = self._settled()
        if current and current["EndpointStatus"] in _BROKEN:
            self._delete_endpoint()
            current = None
        previous = current["EndpointConfigName"] if current else None
        if previous == config:
            self._say(f"{self.name}: already runs this version")
        else:
            self._switch(config, exists=previous is not None)
            reached = self._settled()
            if not self._aws.dry_run and (reached is None or not _runs(reached, config)):
                self._undo(reached, previous)
        self._tidy(keep={config, model})

    def delete(self) -> bool:
        """Removes the endpoint and all versions. Returns True when there was anything to remove."""
        found = self._settled() is not None
        if found:
            self._delete_endpoint()
        return self._tidy(keep=set()) or found

    def _make(self, version: Version) -> tuple[str, str]:
        """Makes the configuration and its model if they do not exist. Returns their names."""
        aws, model = self._aws, versioned_name(self.name, version.model)
        if aws.find("sagemaker", "describe_model", ModelName=model) is None:
            role = version.model["ExecutionRoleArn"]
            aws.call_with_role(
                role,
                lambda: aws.call(
                    "sagemaker", "create_model", ModelName=model, Tags=self._tags, **version.model
                ),
            )
        content = {**version.config, "ProductionVariants": [{**version.variant, "ModelName": model}]}
        name = versioned_name(self.name, content)
        if aws.find("sagemaker", "describe_endpoint_config", EndpointConfigName=name) is None:
            aws.call(
                "sagemaker", "create_endpoint_config", EndpointConfigName=name, Tags=self._tags, **content
            )
        return name, model

    def _parts(self, config: str) -> set[str]:
        """Returns the names of a configuration and of its models."""
        found = self._aws.find("sagemaker", "describe_endpoint_config", EndpointConfigName=config)
        return {config} | {variant["ModelName"] for variant in (found or {}).get("ProductionVariants", ())}

    def _switch(self, config: str, *, exists: bool) -> None:
        names = {"EndpointName": self.name, "EndpointConfigName": config}
        if exists:
            self._aws.call("sagemaker", "update_endpoint", **names)
        else:
            self._aws.call("sagemaker", "create_endpoint", **names, Tags=self._tags)

    def _undo(self, reached: Json | None, previous: str | None) -> None:
        """Returns the endpoint to its previous configuration, or deletes it. Always raises `AwsError`."""
        reached = reached or {"EndpointStatus": "gone"}
        for line in aws_logs.last_words(self._aws, aws_logs.endpoint_group(self.name)):
            self._say(line)
        if previous is None:
            self._delete_endpoint()
        elif not _runs(reached, previous):
            self._delete_endpoint()
            self._switch(previous, exists=False)
            self._settled()
        reason = reached.get("FailureReason", f"its status is {reached['EndpointStatus']}")
        outcome = "the previous version runs again" if previous else "everything that was made is removed"
        raise AwsError(f"{self.name}: {reason} ({outcome})")

    def _settled(self) -> Json | None:
        """Waits until no change is in progress. Returns the endpoint, or None if there is none."""
        current: Json | None = None

        def at_rest() -> bool:
            nonlocal current
            current = self.describe()
            status = current["EndpointStatus"] if current else ""
            if status != self._status:
                self._say(f"{self.name}: {status or 'deleted'}")
                self._status = status
            return status not in _MOVING

        self._aws.wait(f"{self.name}: no stable status", at_rest, limit_s=_LIMIT_S)
        return self.describe() if self._aws.dry_run else current

    def _delete_endpoint(self) -> None:
        self._aws.find("sagemaker", "delete_endpoint", EndpointName=self.name)
        self._settled()

    def _tidy(self, *, keep: set[str]) -> bool:
        """Deletes all configurations and models except those to keep. Returns True when there were any."""
        configs = self._versions("list_endpoint_configs", "EndpointConfigs", "EndpointConfigName") - keep
        for name in sorted(configs):
            self._aws.find("sagemaker", "delete_endpoint_config", EndpointConfigName=name)
        models = self._versions("list_models", "Models", "ModelName") - keep
        for name in sorted(models):
            self._aws.find("sagemaker", "delete_model", ModelName=name)
        return bool(configs or models)

    def _versions(self, operation: str, key: str, name: str) -> set[str]:
        found = self._aws.pages("sagemaker", operation, key, NameContains=self.name)
        return {item[name] for item in found if is_version_of(self.name, item[name])}


def _runs(endpoint: Json, config: str) -> bool:
    return bool(endpoint["EndpointStatus"] == "InService" and endpoint.get("EndpointConfigName") == config)


def state_of(aws: Aws, name: str) -> EndpointState:
    """Returns the present state of an endpoint."""
    found = aws.find("sagemaker", "describe_endpoint", EndpointName=name)
    if found is None:
        return EndpointState(name, "absent")
    config = aws.find(
        "sagemaker", "describe_endpoint_config", EndpointConfigName=found.get("EndpointConfigName", "")
    )
    kind = kind_of(config) if config else ""
    counts = [variant.get("CurrentInstanceCount") or 0 for variant in found.get("ProductionVariants", ())]
    instances = None if kind == "serverless" else sum(counts)
    return EndpointState(name, found["EndpointStatus"], kind, instances, found.get("FailureReason", ""))
