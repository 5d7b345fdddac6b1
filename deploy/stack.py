"""Deploys features in one CloudFormation stack, shows and calls them, and removes them."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import httpx

from serving.codec import JSON
from serving.errors import InvalidRequest
from serving.feature import Feature, discover
from serving.http import Json
from serving.service import Reply

from .aws import logs as aws_logs
from .aws.bucket import Bucket
from .aws.calls import Aws, AwsError, Say
from .aws.endpoint import state_of
from .aws.events import ENDPOINT, FUNCTION, LOG_GROUP
from .aws.images import Images
from .aws.stack import Change, CloudStack, Resource
from .cloudformation.templates import ROOT

TARGETS = {"no": "no", "lambda": "yes-lambda", "sagemaker": "yes-sagemaker"}

_INVOKE_S = 35.0  # longer than the 29 s after which API Gateway ends a request

Confirm = Callable[[Sequence[Change]], bool]


class Row(NamedTuple):
    """One deployed feature. target: `lambda` or `sagemaker`. instances: only for an endpoint, else None."""

    feature: str
    target: str
    status: str
    instances: int | None
    url: str
    log_group: str


def files_of(templates: Mapping[str, Json], assets: Mapping[str, bytes]) -> dict[str, bytes]:
    """Returns the files that CloudFormation reads from the bucket, by name."""
    texts = {name: json.dumps(template, indent=1).encode() for name, template in templates.items()}
    return {**texts, **assets}


class Solution:
    """The features, deployed in one stack. features: those that the templates have; None means all."""

    def __init__(
        self, aws: Aws, name: str = "aikit", *, say: Say, features: Sequence[Feature] | None = None
    ) -> None:
        self._aws, self.name, self._say = aws, name, say
        self._features = list(discover().values()) if features is None else list(features)
        self._stack = CloudStack(aws, name, say=say)

    def parameters(self) -> dict[str, str]:
        """Returns the parameters of the stack; empty without a stack, or when its creation failed."""
        current = self._stack.describe()
        absent = ("REVIEW", "ROLLBACK", "CREATE_FAILED", "DELETE")
        return {} if current is None or current["StackStatus"].startswith(absent) else _values(current)

    def targets(self) -> dict[str, str]:
        """Returns the target, `lambda` or `sagemaker`, of each deployed feature by its name."""
        names = {value: name for name, value in TARGETS.items()}
        chosen = self.parameters()
        targets = {
            feature.name: names.get(chosen.get(feature.feature_id, "no"), "no") for feature in self._features
        }
        return {name: target for name, target in targets.items() if target != "no"}

    def up(
        self,
        targets: Mapping[str, str],
        files: Mapping[str, bytes],
        *,
        confirm: Confirm,
        settings: Mapping[str, str],
        bucket: str = "",
    ) -> bool:
        """Deploys features. Features that are not in `targets` stay as they are.

        targets: `lambda`, `sagemaker` or `no` by the name of the feature. files: from `files_of`. confirm:
        receives the changes, and returns False to stop. settings: new values for parameters of the root
        template. bucket: bucket for the files; empty means the bucket of the running stack, or a new one.

        Returns False when `confirm` returns False. Raises `InvalidRequest` for an unknown parameter.
        """
        self._stack.ready()
        before = self.parameters()
        known = json.loads(files[ROOT])["Parameters"]
        for name in settings:
            if name not in known:
                raise InvalidRequest(f"{name}: no such parameter; the stack has {', '.join(sorted(known))}")
        place = Bucket(self._aws, bucket or before.get("AssetsBucket", ""))
        ids = {feature.name: feature.feature_id for feature in self._features}
        values = {
            **settings,
            **{ids[name]: TARGETS[target] for name, target in targets.items()},
            "AssetsBucket": place.name,
            "AssetsPrefix": self.name,
        }
        place.ensure()
        place.upload({f"{self.name}/{name}": content for name, content in files.items()})
        return self._change(place.url(f"{self.name}/{ROOT}"), _given(known, values, before), confirm)

    def _change(self, template_url: str, parameters: Sequence[Json], confirm: Confirm) -> bool:
        changes = self._stack.propose(template_url, parameters, {"aikit:stack": self.name})
        if not self._aws.dry_run:
            if not changes:
                self._say(f"{self.name}: nothing to change")
                return True
            try:
                agreed = confirm(changes)
            except BaseException:
                self._stack.abandon()
                raise
            if not agreed:
                self._stack.abandon()
                return False
        self._stack.execute()
        return True

    def down(self, *, images: bool = False, logs: bool = False) -> list[str]:
        """Deletes the stack and everything that belongs to it. Returns what is kept, with the reasons.

        images: also delete the repositories of its features. logs: also delete the log groups of endpoints.
        """
        current = self._stack.describe()
        chosen = _values(current or {})
        # without a stack, an earlier call may have been interrupted after it had deleted the stack
        features = sorted(self.targets()) if current else [feature.name for feature in self._features]
        groups = [
            aws_logs.endpoint_group(_name(one)) for one in self._stack.resources() if one.kind == ENDPOINT
        ]
        kept = Bucket(self._aws, chosen.get("AssetsBucket", "")).remove(f"{self.name}/")
        kept += [
            f"{one.kind} {one.name}: the template keeps {one.place} when the stack is deleted"
            for one in self._stack.delete()
        ]
        kept += self._logs_kept(groups, delete=logs)
        return kept + self._repositories_kept(features, chosen, delete=images)

    def status(self) -> list[Row]:
        """Returns the present state of each deployed feature."""
        targets, resources = self.targets(), list(self._stack.resources())
        return [
            self._row(feature, targets[feature.name], resources)
            for feature in self._features
            if feature.name in targets
        ]

    def _row(self, feature: Feature, target: str, resources: Sequence[Resource]) -> Row:
        mine = {
            one.kind: one
            for one in resources
            if one.place.startswith(f"{feature.feature_id}Stack/")
            and one.kind in (ENDPOINT, FUNCTION, LOG_GROUP)
            and not one.status.startswith("DELETE")
        }
        status, instances, group = "absent", None, ""
        if target == "sagemaker" and ENDPOINT in mine:
            state = state_of(self._aws, _name(mine[ENDPOINT]))
            status, instances = state.status, state.instances
            group = aws_logs.endpoint_group(state.name)
        elif target == "lambda" and FUNCTION in mine:
            status = mine[FUNCTION].status
            own = aws_logs.function_group(mine[FUNCTION].name)
            group = mine[LOG_GROUP].name if LOG_GROUP in mine else own
        return Row(feature.name, target, status, instances, self._url(feature), group)

    def invoke(self, feature: Feature, body: bytes, *, content_type: str, api_key: str = "") -> Reply:
        """Sends one request through API Gateway and returns the reply. Signs it when the stack requires that.

        Raises `InvalidRequest` when the feature is not deployed or the key is missing, and `AwsError` when no
        reply comes.
        """
        url = self._url(feature)
        if not url:
            raise InvalidRequest(f"{feature.name}: not deployed in stack {self.name}")
        headers = {"Content-Type": content_type, "Accept": JSON}
        authorization = self.parameters().get("APIGatewayAuthorization")
        if authorization == "API_KEY" and not api_key:
            raise InvalidRequest("api-key: this stack requires one; pass --api-key")
        if authorization == "AWS_IAM":
            headers = self._aws.sign(url, body, headers)
        if api_key:
            headers["x-api-key"] = api_key
        try:
            answer = httpx.post(url, content=body, headers=headers, timeout=_INVOKE_S)
        except httpx.HTTPError as error:
            raise AwsError(f"{url}: {error}") from error
        return Reply(answer.status_code, answer.content, answer.headers.get("Content-Type", JSON))

    def _url(self, feature: Feature) -> str:
        outputs = (self._stack.describe() or {}).get("Outputs", ())
        urls = (str(output["OutputValue"]) for output in outputs)
        return next((url for url in urls if "://" in url and url.endswith(f"/{feature.name}")), "")

    def _logs_kept(self, groups: Sequence[str], *, delete: bool) -> list[str]:
        """Returns the existing log groups with the reason to keep them, or deletes them and returns none."""
        existing = [group for group in groups if aws_logs.exists(self._aws, group)]
        if not delete:
            return [f"{group}: {aws_logs.KEPT}" for group in existing]
        for group in existing:
            aws_logs.delete_group(self._aws, group)
        return []

    def _repositories_kept(
        self, features: Sequence[str], chosen: Mapping[str, str], *, delete: bool
    ) -> list[str]:
        """Returns the features' repositories in this account with the reason to keep them.

        delete: delete them with all their images instead.
        """
        images = Images(registry=chosen.get("ImageRegistry", ""), prefix=chosen.get("ImagePrefix", "aikit"))
        if images.owner(self._aws) != self._aws.account:
            return []
        kept = []
        for name in features:
            repository = images.repository(name)
            if self._aws.find("ecr", "describe_repositories", repositoryNames=[repository]) is None:
                continue
            if delete:
                self._aws.call("ecr", "delete_repository", repositoryName=repository, force=True)
            else:
                kept.append(f"{repository}: another stack may use its images; --images deletes it")
        return kept


def _values(stack: Json) -> dict[str, str]:
    return {item["ParameterKey"]: item["ParameterValue"] for item in stack.get("Parameters", ())}


def _given(known: Mapping[str, Json], values: Mapping[str, str], before: Mapping[str, str]) -> list[Json]:
    """Returns the parameters of a change set.

    A parameter has its new value, or else the value of the running stack, or else the template's default.
    """
    return [
        {"ParameterKey": name, "ParameterValue": values[name]}
        if name in values
        else {"ParameterKey": name, "UsePreviousValue": True}
        for name in known
        if name in values or name in before
    ]


def _name(resource: Resource) -> str:
    """Returns the name of an endpoint. CloudFormation gives its ARN as physical id."""
    return resource.name.rpartition("/")[2]
