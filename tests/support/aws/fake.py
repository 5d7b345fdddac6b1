"""A fake of AWS that adds to moto what it lacks: slow and failing endpoints, change sets, quotas.

botocore validates every request as it does for AWS itself. The fake receives the parameters and returns the
answer.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, ClassVar, NamedTuple

import boto3
import pytest
from botocore import xform_name
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from deploy.aws.calls import Aws, AwsError
from serving.http import Json

from .fake_stacks import FakeStacks
from .fake_template import Refused

ACCOUNT = "123456789012"  # the account number that moto uses
REGION = "us-west-2"
MODIFYING = ("create", "delete", "put", "update", "execute")
HEALTH = "The container for production variant main did not pass the ping health check."
FAULTS = {"Ctrl-C": KeyboardInterrupt(), "no connection": EndpointConnectionError(endpoint_url="https://aws")}


class _Answered(NamedTuple):
    status_code: int


class FakeAws(FakeStacks):
    """One account.

    broken: image tags with containers that do not start. update_ends: status of an endpoint after a failed
    update; `InService` means that SageMaker itself returned to the previous configuration. slow_roles: number
    of times that a new role is refused. interrupt_at: number of calls until `fault` is raised; 0 means never.
    steps: beginnings of the operations that are counted. answers: functions that answer operations instead of
    the methods below.
    """

    def empty(self) -> None:
        """Resets the account to an empty one."""
        super().empty()
        self.calls: list[tuple[str, str]] = []
        self.interrupt_at = 0
        self.steps: tuple[str, ...] = MODIFYING
        self.fault: BaseException = KeyboardInterrupt()
        self.broken: set[str] = set()
        self.update_ends = "InService"
        self.slow_roles = 0
        self.quotas = {"ml.g4dn.xlarge for endpoint usage": 2.0}
        self.concurrency = 1000
        self.denied: set[str] = set()
        self.layers = ""
        self.answers: dict[str, Callable[..., Json]] = {}

    def attach(self, session: Any) -> None:
        """Makes the fake answer the calls of a boto3 session."""
        session.events.register("before-parameter-build", self._remember)
        session.events.register("before-call", self._answer)
        session.events.register("after-call", self._count)

    @property
    def changes(self) -> list[tuple[str, str]]:
        """The calls that may have changed something, as service and operation."""
        return [call for call in self.calls if call[1].startswith(MODIFYING)]

    def stopped(
        self, at: int, fault: BaseException, act: Callable[[], object], *, steps: tuple[str, ...] = MODIFYING
    ) -> bool:
        """Runs an action that is interrupted by `fault` after step number `at`.

        steps: beginnings of the operations that count as steps. Returns False when there are fewer steps.
        """
        self.calls.clear()
        self.interrupt_at, self.fault, self.steps = at, fault, steps
        with suppress(AwsError, KeyboardInterrupt):
            act()
        reached, self.interrupt_at = self.interrupt_at == 0, 0
        return reached

    def _remember(self, params: Json, context: Json, **_: Any) -> None:
        context["given"] = dict(params)

    def _answer(self, model: Any, context: Json, **_: Any) -> tuple[_Answered, Json] | None:
        name = f"{model.service_model.service_name}_{xform_name(model.name)}".replace("-", "_")
        method = self.answers.get(name) or getattr(self, name, None)
        if method is None:
            return None
        try:
            return _Answered(200), {"ResponseMetadata": {"HTTPStatusCode": 200}, **method(**context["given"])}
        except Refused as refused:
            fault = {"Code": refused.code, "Message": str(refused)}
            return _Answered(400), {
                "Error": fault,
                "ResponseMetadata": {"HTTPStatusCode": 400},
                **refused.more,
            }

    def _count(self, model: Any, **_: Any) -> None:
        self.calls.append((model.service_model.service_name, xform_name(model.name)))
        if self.interrupt_at and self.calls[-1][1].startswith(self.steps):
            self.interrupt_at -= 1
            if self.interrupt_at == 0:
                raise self.fault

    # SageMaker: moto overwrites a resource with the same name, and its endpoints never change their status

    def sagemaker_create_model(self, ModelName: str, **given: Any) -> Json:
        if ModelName in self.models:
            raise Refused("ValidationException", f'Cannot create already existing model "{ModelName}".')
        if self.slow_roles > 0:
            self.slow_roles -= 1
            raise Refused("ValidationException", f"Could not assume role {given['ExecutionRoleArn']}.")
        self.models[ModelName] = given
        return {"ModelArn": ModelName}

    def sagemaker_describe_model(self, ModelName: str) -> Json:
        return {"ModelName": ModelName, **_known(self.models, ModelName, "model")}

    def sagemaker_delete_model(self, ModelName: str) -> Json:
        _known(self.models, ModelName, "model")
        del self.models[ModelName]
        return {}

    def sagemaker_list_models(self, NameContains: str) -> Json:
        return {"Models": [{"ModelName": name} for name in self.models if NameContains in name]}

    def sagemaker_create_endpoint_config(self, EndpointConfigName: str, **given: Any) -> Json:
        if EndpointConfigName in self.configs:
            raise Refused("ValidationException", "Cannot create already existing endpoint configuration.")
        for variant in given["ProductionVariants"]:
            _known(self.models, variant["ModelName"], "model")
        self.configs[EndpointConfigName] = given
        return {"EndpointConfigArn": EndpointConfigName}

    def sagemaker_describe_endpoint_config(self, EndpointConfigName: str) -> Json:
        found = _known(self.configs, EndpointConfigName, "endpoint configuration")
        return {"EndpointConfigName": EndpointConfigName, **found}

    def sagemaker_delete_endpoint_config(self, EndpointConfigName: str) -> Json:
        _known(self.configs, EndpointConfigName, "endpoint configuration")
        used = [
            name for name, one in self.endpoints.items() if one["EndpointConfigName"] == EndpointConfigName
        ]
        assert not used, f"{EndpointConfigName} is still used by {used}"
        del self.configs[EndpointConfigName]
        return {}

    def sagemaker_list_endpoint_configs(self, NameContains: str) -> Json:
        names = [name for name in self.configs if NameContains in name]
        return {"EndpointConfigs": [{"EndpointConfigName": name} for name in names]}

    def sagemaker_create_endpoint(self, EndpointName: str, EndpointConfigName: str, **_: Any) -> Json:
        if EndpointName in self.endpoints:
            raise Refused("ValidationException", "Cannot create already existing endpoint.")
        self._start(EndpointName, EndpointConfigName, "Creating", "Failed", EndpointConfigName)
        return {"EndpointArn": EndpointName}

    def sagemaker_update_endpoint(self, EndpointName: str, EndpointConfigName: str) -> Json:
        found = _known(self.endpoints, EndpointName, "endpoint")
        if found["EndpointStatus"] != "InService":
            raise Refused("ValidationException", f"Cannot update a {found['EndpointStatus']} endpoint.")
        back = found["EndpointConfigName"] if self.update_ends == "InService" else EndpointConfigName
        self._start(EndpointName, EndpointConfigName, "Updating", self.update_ends, back)
        return {"EndpointArn": EndpointName}

    def sagemaker_describe_endpoint(self, EndpointName: str) -> Json:
        found = _known(self.endpoints, EndpointName, "endpoint")
        shown = {"EndpointName": EndpointName, **found}
        steps = self.ahead.get(EndpointName)
        step = steps.pop(0) if steps else {}
        found.update(step)
        if step.get("EndpointStatus") == "gone":
            del self.endpoints[EndpointName]
        return shown

    def sagemaker_delete_endpoint(self, EndpointName: str) -> Json:
        found = _known(self.endpoints, EndpointName, "endpoint")
        if found["EndpointStatus"] in ("Creating", "Updating"):
            raise Refused("ValidationException", f"Cannot delete a {found['EndpointStatus']} endpoint.")
        found["EndpointStatus"] = "Deleting"
        self.ahead[EndpointName] = [{}, {"EndpointStatus": "gone"}]
        return {}

    def _start(self, name: str, config: str, status: str, broken: str, back: str) -> None:
        """Begins to move an endpoint to a configuration. Each later query advances it by one step.

        status: status until then. broken: status when a container does not start. back: configuration in that
        case.
        """
        variants = _known(self.configs, config, "endpoint configuration")["ProductionVariants"]
        images = [self.models[one["ModelName"]]["PrimaryContainer"]["Image"] for one in variants]
        fails = any(image.rpartition(":")[2] in self.broken for image in images)
        counts = [
            {"VariantName": "main", "CurrentInstanceCount": one.get("InitialInstanceCount", 0)}
            for one in variants
        ]
        self.endpoints.setdefault(name, {"EndpointConfigName": config})
        self.endpoints[name] |= {"EndpointStatus": status, "ProductionVariants": counts}
        self.endpoints[name].pop("FailureReason", None)
        end: Json = {"EndpointStatus": "InService", "EndpointConfigName": config}
        if fails:
            end = {"EndpointStatus": broken, "EndpointConfigName": back, "FailureReason": HEALTH}
            self.log(f"/aws/sagemaker/Endpoints/{name}", "ImportError: libGL.so.1")
        self.ahead[name] = [{}, end]

    def log(self, group: str, *lines: str) -> None:
        """Adds lines to a log group."""
        self.logs.setdefault(group, []).extend(lines)

    def logs_describe_log_groups(self, logGroupNamePrefix: str) -> Json:
        return {
            "logGroups": [{"logGroupName": name} for name in self.logs if name.startswith(logGroupNamePrefix)]
        }

    def logs_filter_log_events(self, logGroupName: str, startTime: int) -> Json:
        if logGroupName not in self.logs:
            raise Refused("ResourceNotFoundException", "The specified log group does not exist.")
        at = int(datetime.now(UTC).timestamp() * 1000)
        lines = self.logs[logGroupName]
        return {
            "events": [{"eventId": str(n), "timestamp": at, "message": line} for n, line in enumerate(lines)]
        }

    def logs_delete_log_group(self, logGroupName: str) -> Json:
        del self.logs[logGroupName]
        return {}

    # the calls of the pre-flight checks

    def service_quotas_list_service_quotas(self, ServiceCode: str) -> Json:
        return {"Quotas": [{"QuotaName": name, "Value": value} for name, value in self.quotas.items()]}

    def service_quotas_list_aws_default_service_quotas(self, ServiceCode: str) -> Json:
        return {"Quotas": [{"QuotaName": "ml.g4dn.xlarge for endpoint usage", "Value": 0.0}]}

    def iam_simulate_principal_policy(self, PolicySourceArn: str, ActionNames: list[str]) -> Json:
        decisions = {name: "implicitDeny" if name in self.denied else "allowed" for name in ActionNames}
        return {
            "EvaluationResults": [
                {"EvalActionName": name, "EvalDecision": decision} for name, decision in decisions.items()
            ]
        }

    def lambda_get_account_settings(self) -> Json:
        return {"AccountLimit": {"ConcurrentExecutions": self.concurrency}}

    def ecr_get_download_url_for_layer(self, layerDigest: str, **_: Any) -> Json:
        return {"downloadUrl": f"{self.layers}/{layerDigest}", "layerDigest": layerDigest}


def _known(things: dict[str, Json], name: str, what: str) -> Json:
    if name not in things:
        raise Refused("ValidationException", f'Could not find {what} "{name}".')
    return things[name]


class _Session(boto3.session.Session):  # type: ignore[misc]
    """A session that makes each client only once, because making a client is slow."""

    _clients: ClassVar[dict[tuple[str, str], Any]] = {}

    def client(self, service: str, **options: Any) -> Any:
        key = (service, self.region_name)
        if key not in self._clients:
            self._clients[key] = super().client(service, **options)
        return self._clients[key]


@functools.cache
def _connected(region: str) -> tuple[FakeAws, Any]:
    session, fake = _Session(region_name=region), FakeAws()
    fake.attach(session)
    return fake, session


@contextmanager
def fake_account(region: str = REGION) -> Iterator[tuple[FakeAws, Any]]:
    """Yields the fake of an empty account, and a boto3 session that reaches only this fake."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
            patch.delenv(name, raising=False)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        fake, session = _connected(region)
        fake.empty()
        yield fake, session


def aws_of(session: Any, **options: Any) -> Aws:
    """Returns an `Aws` for the session that never sleeps."""
    return Aws(session=session, sleep=lambda _: None, **options)
