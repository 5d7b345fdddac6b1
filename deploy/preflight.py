"""Checks that find what would stop a deployment, before anything is made. Each finding says what to do."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import httpx

from serving.feature import SMALL_LAMBDA_MB, Feature
from serving.http import Json

from .aws.calls import Aws, AwsError
from .aws.images import TOGETHER, Images

# a new account has at most this concurrency, and its functions may have at most 3,008 MB
_NEW_ACCOUNT_CONCURRENCY = 50
_ARCHITECTURE = "amd64"
_INDEXES = ("application/vnd.oci.image.index", "application/vnd.docker.distribution.manifest.list")
_SERVICES = {
    "sagemaker": ("sagemaker",),
    "lambda": ("lambda",),
    "stack": ("cloudformation", "apigateway", "lambda"),
}
_ACTIONS = {
    "sagemaker": (
        "sagemaker:CreateModel",
        "sagemaker:CreateEndpointConfig",
        "sagemaker:CreateEndpoint",
        "sagemaker:UpdateEndpoint",
        "sagemaker:DeleteEndpoint",
        "iam:CreateRole",
        "iam:PutRolePolicy",
        "iam:PassRole",
    ),
    "lambda": ("lambda:CreateFunction", "lambda:AddPermission", "iam:CreateRole", "iam:PassRole"),
    "stack": (
        "cloudformation:CreateChangeSet",
        "cloudformation:ExecuteChangeSet",
        "apigateway:POST",
        "s3:CreateBucket",
        "s3:PutObject",
    ),
}


class Finding(NamedTuple):
    """The result of one check.

    level: `ok`, `note` (it may fail, or could not be checked) or `stop`. found: the fact.
    advice: what to do about it.
    """

    level: str
    check: str
    found: str
    advice: str = ""


class Deployment(NamedTuple):
    """One feature to deploy, or several that share a container. instance_type: empty without an instance."""

    features: Sequence[Feature]
    target: str
    instance_type: str = ""
    instances: int = 1

    @property
    def name(self) -> str:
        """The name of the image: the feature, or `together`."""
        return self.features[0].name if len(self.features) == 1 else TOGETHER

    @property
    def to_build(self) -> str:
        """The arguments of build.sh that build the image."""
        names = ",".join(feature.name for feature in self.features)
        return names if len(self.features) == 1 else f"--together {names}"


def preflight(aws: Aws, deployments: Sequence[Deployment], images: Images, *, stack: bool) -> list[Finding]:
    """Runs every check and returns all findings. stack: True when CloudFormation makes the resources."""
    findings = list(_credentials(aws))
    if findings[0].level == "stop":
        return findings  # no other call would succeed
    kinds = sorted({deployment.target for deployment in deployments} | ({"stack"} if stack else set()))
    checks: tuple[Iterator[Finding], ...] = (
        _region(aws, kinds),
        _image(aws, deployments, images),
        _quota(aws, deployments),
        _permissions(aws, kinds),
        _memory(aws, deployments),
    )
    for check in checks:
        findings.extend(_until_refused(check))
    return findings


def _until_refused(check: Iterator[Finding]) -> Iterator[Finding]:
    """Yields the findings of a check, and one more when AWS does not let it finish."""
    try:
        yield from check
    except AwsError as error:
        level = "note" if error.is_denied else "stop"
        name = getattr(check, "__name__", "check").strip("_")
        advice = "allow the call to check this" if error.is_denied else "AWS gives the reason"
        yield Finding(level, name, str(error), advice)


def _credentials(aws: Aws) -> Iterator[Finding]:
    try:
        yield Finding("ok", "credentials", f"{aws.identity['Arn']} in {aws.region}")
    except AwsError as error:
        yield Finding(
            "stop", "credentials", str(error), "run `aws configure` or `aws sso login`, or set AWS_PROFILE"
        )


def _region(aws: Aws, kinds: Sequence[str]) -> Iterator[Finding]:
    for service in dict.fromkeys(service for kind in kinds for service in _SERVICES[kind]):
        regions = aws.regions(service)
        if aws.region in regions:
            yield Finding("ok", "region", f"{service} is available in {aws.region}")
        else:
            advice = f"choose one of {', '.join(regions)} with --region, or update boto3 if the region is new"
            yield Finding("stop", "region", f"{service} is not known to be available in {aws.region}", advice)


def _image(aws: Aws, deployments: Sequence[Deployment], images: Images) -> Iterator[Finding]:
    for deployment in deployments:
        repository = images.repository(deployment.name)
        tag = f"{images.tag}-lambda" if deployment.target == "lambda" else images.tag
        what = f"{repository}:{tag}"
        build = (
            f"run ./build.sh {deployment.to_build} --target {deployment.target} --push, "
            "or choose another tag with --image-tag"
        )
        found = aws.find(
            "ecr",
            "batch_get_image",
            registryId=images.owner(aws),
            repositoryName=repository,
            imageIds=[{"imageTag": tag}],
        )
        if found is None:
            yield Finding("stop", "image", f"there is no repository {repository}", build)
        elif not found["images"]:
            newest = ", ".join(_tags(aws, images, repository)) or "none"
            yield Finding("stop", "image", f"{repository} has no tag {tag}; newest tags: {newest}", build)
        else:
            yield _fit(aws, images, deployment, what, json.loads(found["images"][0]["imageManifest"]))


def _tags(aws: Aws, images: Images, repository: str) -> list[str]:
    """Returns the five tags that were pushed last, newest first."""
    found = aws.pages(
        "ecr",
        "describe_images",
        "imageDetails",
        registryId=images.owner(aws),
        repositoryName=repository,
        filter={"tagStatus": "TAGGED"},
    )
    newest = sorted(found, key=lambda image: image["imagePushedAt"], reverse=True)
    return [tag for image in newest for tag in image["imageTags"]][:5]


def _fit(aws: Aws, images: Images, deployment: Deployment, what: str, manifest: Json) -> Finding:
    """Checks whether the target can run the image with this manifest."""
    rebuild = f"build it for linux/{_ARCHITECTURE} and push it again"
    if str(manifest.get("mediaType", "")).startswith(_INDEXES):
        offered = [item.get("platform", {}).get("architecture") for item in manifest["manifests"]]
        if deployment.target == "lambda":
            return Finding(
                "stop", "image", f"{what} is a list of images, which Lambda does not accept", rebuild
            )
    else:
        offered = [_architecture(aws, images, deployment, manifest)]
    if _ARCHITECTURE in offered:
        return Finding("ok", "image", f"{what} exists")
    names = ", ".join(map(str, offered))
    if None in offered:
        return Finding("note", "image", f"{what} exists; its architecture could not be read", rebuild)
    return Finding("stop", "image", f"{what} is built for {names}, must be {_ARCHITECTURE}", rebuild)


def _architecture(aws: Aws, images: Images, deployment: Deployment, manifest: Json) -> str | None:
    """Returns the architecture that the image's configuration names; None when it cannot be read."""
    try:
        link = aws.call(
            "ecr",
            "get_download_url_for_layer",
            registryId=images.owner(aws),
            repositoryName=images.repository(deployment.name),
            layerDigest=manifest["config"]["digest"],
        )
        answer = httpx.get(link["downloadUrl"], follow_redirects=True, timeout=10)
        return str(answer.raise_for_status().json()["architecture"])
    except (AwsError, httpx.HTTPError, KeyError, ValueError):
        return None


def _quota(aws: Aws, deployments: Sequence[Deployment]) -> Iterator[Finding]:
    needed: dict[str, int] = {}
    for deployment in deployments:
        if deployment.target == "sagemaker" and deployment.instance_type:
            needed[deployment.instance_type] = needed.get(deployment.instance_type, 0) + deployment.instances
    if not needed:
        return
    quotas = {
        quota["QuotaName"]: quota["Value"]
        for operation in ("list_aws_default_service_quotas", "list_service_quotas")
        for quota in aws.pages("service-quotas", operation, "Quotas", ServiceCode="sagemaker")
    }
    for instance_type, count in needed.items():
        name = f"{instance_type} for endpoint usage"
        allowed = quotas.get(name)
        if allowed is None:
            advice = "look it up in the Service Quotas console"
            yield Finding("note", "quota", f"no quota has the name {name!r}", advice)
        elif allowed < count:
            advice = (
                f"request at least {count} in the Service Quotas console (SageMaker, {name!r}), or deploy "
                "fewer features, all of them --together, or some of them to lambda"
            )
            yield Finding("stop", "quota", f"{name}: {allowed:g}, {count} needed", advice)
        else:
            yield Finding("ok", "quota", f"{name}: {allowed:g}, {count} needed")


def _permissions(aws: Aws, kinds: Sequence[str]) -> Iterator[Finding]:
    principal = _principal(aws)
    if not principal:
        yield Finding("ok", "permissions", "the account's root user may do everything")
        return
    actions = sorted({action for kind in kinds for action in _ACTIONS[kind]})
    found = aws.call("iam", "simulate_principal_policy", PolicySourceArn=principal, ActionNames=actions)
    denied = [
        result["EvalActionName"]
        for result in found["EvaluationResults"]
        if result["EvalDecision"] != "allowed"
    ]
    if denied:
        advice = f"allow these actions for {principal}; a policy may already allow them for some resources"
        yield Finding("note", "permissions", f"not allowed for all resources: {', '.join(denied)}", advice)
    else:
        yield Finding("ok", "permissions", f"{principal} may perform every required action")


def _principal(aws: Aws) -> str:
    """Returns the ARN of the user, or of the role that a session has assumed; empty for root."""
    arn = str(aws.identity["Arn"])
    session = re.fullmatch(r"arn:[^:]+:sts::\d+:assumed-role/([^/]+)/.+", arn)
    if session:  # the session's ARN lacks the path of the role
        return str(aws.call("iam", "get_role", RoleName=session[1])["Role"]["Arn"])
    return "" if arn.endswith(":root") else arn


def _memory(aws: Aws, deployments: Sequence[Deployment]) -> Iterator[Finding]:
    large = [
        f"{feature.name} {feature.resources.lambda_memory_mb}"
        for deployment in deployments
        if deployment.target == "lambda"
        for feature in deployment.features
        if feature.resources.lambda_memory_mb > SMALL_LAMBDA_MB
    ]
    if not large:
        return
    limits = aws.call("lambda", "get_account_settings")["AccountLimit"]
    if limits["ConcurrentExecutions"] > _NEW_ACCOUNT_CONCURRENCY:
        yield Finding("ok", "memory", f"the account allows functions of {', '.join(large)} MB")
        return
    advice = (
        f"if Lambda refuses MemorySize, deploy with --set LambdaMemoryLimit={SMALL_LAMBDA_MB} (slower), "
        "or request 10,240 MB from AWS Support"
    )
    found = f"{', '.join(large)} MB needed; a new account may allow only {SMALL_LAMBDA_MB} MB"
    yield Finding("note", "memory", found, advice)
