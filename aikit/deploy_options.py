"""What `aikit deploy` is told on the command line, and what that means."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.aws.images import Images
from deploy.endpoint import Hosting
from deploy.stack import TARGETS
from serving.errors import InvalidRequest
from serving.feature import find

_NAMED = {"up": "+", "down": "*", "status": "*"}


def add_options(command: argparse.ArgumentParser, name: str) -> None:
    """Give one command of `deploy` its options."""
    if name == "template":
        command.add_argument("--out", type=Path, metavar="DIR", default=Path("out/templates"))
        return
    if name in _NAMED:
        text = "its name; up: NAME:lambda or NAME:sagemaker in a stack, sagemaker by default"
        command.add_argument("features", metavar="FEATURE", nargs=_NAMED[name], help=text)
    else:
        command.add_argument("feature", metavar="FEATURE", help="its name")
    command.add_argument("--stack", default="aikit", help="names everything; default aikit")
    command.add_argument("--region", default="", help="default: the AWS profile's")
    command.add_argument(
        "--mode",
        choices=["stack", "api"],
        default="stack",
        help="stack: one CloudFormation stack behind API Gateway; api: a SageMaker endpoint each, no more",
    )
    command.add_argument("--poll", type=float, default=5.0, metavar="S", help="how often to ask; default 5")
    command.add_argument("--together", action="store_true", help="api: several features at one endpoint")
    _ADDED.get(name, lambda _: None)(command)


def _add_up(command: argparse.ArgumentParser) -> None:
    _add_caution(command)
    command.add_argument("--no-checks", dest="checks", action="store_false", help="leave out the pre-flight")
    command.add_argument("--image-tag", default="", help="default: the last one, at first as build.sh tags")
    command.add_argument("--image-prefix", default="", help="of the ECR repositories; default aikit")
    command.add_argument("--registry", default="", help="host; default: this account's ECR")
    command.add_argument("--instance-type", default="", help="default: what the feature declares")
    stack = command.add_argument_group("--mode stack")
    stack.add_argument(
        "--auth", choices=["AWS_IAM", "API_KEY", "NONE"], help="who may call; at first AWS_IAM"
    )
    stack.add_argument("--stage", default="", help="first part of the path; at first prod")
    stack.add_argument("--explorer", choices=["yes", "no"], help="the API explorer; at first yes")
    stack.add_argument("--bucket", default="", help="for the templates; default: one is made")
    stack.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="another parameter")
    api = command.add_argument_group("--mode api")
    api.add_argument("--role", default="", help="that SageMaker assumes; default: one is made")
    api.add_argument("--instances", type=int, default=1)
    api.add_argument(
        "--inference-ami", default=Hosting.inference_ami, help="host image of GPU instances; '' for none"
    )
    api.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="of the container")
    api.add_argument(
        "--async", dest="asynchronous", default="", metavar="s3://BUCKET/PREFIX", help="up to 1 GB and 1 h"
    )
    api.add_argument(
        "--serverless",
        type=int,
        metavar="MB",
        help="memory, 1024 to 6144; no GPU, 4 MB a request; see that the region, China's too, offers it",
    )


def _add_down(command: argparse.ArgumentParser) -> None:
    _add_caution(command)
    command.add_argument("--images", action="store_true", help="the features' ECR repositories too")
    command.add_argument("--logs", action="store_true", help="the logs of endpoints too")


def _add_status(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true")


def _add_logs(command: argparse.ArgumentParser) -> None:
    command.add_argument("--follow", action="store_true", help="go on with new lines until interrupted")
    command.add_argument("--lines", type=int, default=100, metavar="N")


def _add_invoke(command: argparse.ArgumentParser) -> None:
    command.add_argument("--img", type=Path, nargs="+", default=[], metavar="FILE", help="image files")
    command.add_argument("--json", type=Path, metavar="FILE", help="the request body; - reads standard input")
    command.add_argument("--api-key", default="", help="where the stack asks for one")


def _add_caution(command: argparse.ArgumentParser) -> None:
    command.add_argument("--yes", action="store_true", help="do not ask")
    command.add_argument("--dry-run", action="store_true", help="print the calls, change nothing")


_ADDED = {
    "up": _add_up,
    "down": _add_down,
    "status": _add_status,
    "logs": _add_logs,
    "invoke": _add_invoke,
}


def targets_of(named: Sequence[str], deployed: Mapping[str, str]) -> dict[str, str]:
    """Target of each feature named, as it is deployed or `sagemaker` where none is given with it."""
    targets = {}
    for text in named:
        name, _, target = text.partition(":")
        feature = find(name).name
        targets[feature] = target or deployed.get(feature, "sagemaker")
        if targets[feature] not in TARGETS:
            raise InvalidRequest(f"{name}: no target {target!r}; there is {', '.join(TARGETS)}")
    return targets


def settings_of(args: argparse.Namespace, deployed: Mapping[str, str]) -> dict[str, str]:
    """Parameters of the stack that are given, and those of the images in any case."""
    given = {
        "ImageTag": args.image_tag,
        "ImagePrefix": args.image_prefix,
        "ImageRegistry": args.registry,
        "InstanceType": args.instance_type,
        "APIGatewayAuthorization": args.auth,
        "APIGatewayStageName": args.stage,
        "APIExplorer": args.explorer,
    }
    images = Images()
    first = {"ImageTag": images.tag, "ImagePrefix": images.prefix}
    kept = {name: value for name, value in deployed.items() if name.startswith("Image")}
    return {**first, **kept, **{name: value for name, value in given.items() if value}, **pairs(args.set)}


def images_of(args: argparse.Namespace) -> Images:
    """Where the images of `--mode api` lie."""
    usual = Images()
    return Images(
        registry=args.registry, prefix=args.image_prefix or usual.prefix, tag=args.image_tag or usual.tag
    )


def hosting_of(args: argparse.Namespace) -> Hosting:
    """How the endpoints of `--mode api` run."""
    return Hosting(
        images=images_of(args),
        instance_type=args.instance_type,
        instances=args.instances,
        role=args.role,
        asynchronous=args.asynchronous,
        serverless_mb=args.serverless,
        inference_ami=args.inference_ami,
        environment=pairs(args.env),
    )


def pairs(texts: Sequence[str]) -> dict[str, str]:
    """`NAME=VALUE` by name."""
    for text in texts:
        if "=" not in text:
            raise InvalidRequest(f"{text}: not NAME=VALUE")
    return {name: value for name, _, value in (text.partition("=") for text in texts)}
