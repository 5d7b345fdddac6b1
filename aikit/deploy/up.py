"""`aikit deploy up`: deploys features, or changes how they run."""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence

from aikit.options import FAILED
from deploy.aws.calls import Aws, AwsError
from deploy.aws.images import Images
from deploy.aws.stack import Change
from deploy.endpoint import Endpoint, Hosting
from deploy.preflight import Deployment, preflight
from deploy.stack import TARGETS
from serving.errors import InvalidRequest
from serving.feature import find

from .shared import add_caution, add_place, aws_of, confirmed, say, show_table, solution_of
from .template import files


def add_up(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "features",
        metavar="FEATURE",
        nargs="+",
        help="name of the feature; with --mode stack also NAME:lambda, NAME:sagemaker, or NAME:no, which "
        "removes it; default: the feature's present target, or sagemaker for a new feature",
    )
    add_place(command)
    add_caution(command)
    _add_images(command)
    _add_stack(command)
    _add_api(command)
    command.set_defaults(run=_up)


def _add_images(command: argparse.ArgumentParser) -> None:
    text = "skip the checks that find what would stop the deployment"
    command.add_argument("--no-checks", dest="checks", action="store_false", help=text)
    text = "tag of the images; default: the tag of the running stack, or else the tag that build.sh gives"
    command.add_argument("--image-tag", default="", metavar="TAG", help=text)
    text = "prefix of the names of the ECR repositories; default: that of the running stack, or else aikit"
    command.add_argument("--image-prefix", default="", metavar="PREFIX", help=text)
    text = "host of the image registry; default: that of the running stack, or else this account's ECR"
    command.add_argument("--registry", default="", metavar="HOST", help=text)
    text = "SageMaker instance type; default: that of the running stack, or else what each feature declares"
    command.add_argument("--instance-type", default="", metavar="TYPE", help=text)


def _add_stack(command: argparse.ArgumentParser) -> None:
    stack = command.add_argument_group("only with --mode stack")
    text = "who may call the API; default: as in the running stack, or AWS_IAM for a new stack"
    stack.add_argument("--auth", choices=["AWS_IAM", "API_KEY", "NONE"], help=text)
    text = "first part of the API's paths; default: as in the running stack, or prod for a new stack"
    stack.add_argument("--stage", default="", help=text)
    text = (
        "yes: the API explorer can call the features; no: it only shows their definitions; "
        "default: as in the running stack, or yes for a new stack"
    )
    stack.add_argument("--explorer", choices=["yes", "no"], help=text)
    text = "S3 bucket for the templates; default: that of the running stack, or else one that aikit makes"
    stack.add_argument("--bucket", default="", help=text)
    stack.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another parameter of the stack, such as LambdaMemoryLimit=3008; may be given several times",
    )


def _add_api(command: argparse.ArgumentParser) -> None:
    api = command.add_argument_group("only with --mode api")
    text = "name or ARN of the IAM role that SageMaker assumes; default: aikit makes one"
    api.add_argument("--role", default="", help=text)
    text = "instances of each endpoint; default: 1"
    api.add_argument("--instances", type=int, default=1, metavar="N", help=text)
    text = f"host image of GPU instances; '' leaves it to SageMaker; default: {Hosting.inference_ami}"
    api.add_argument("--inference-ami", default=Hosting.inference_ami, metavar="NAME", help=text)
    text = "environment variable of the containers; may be given several times"
    api.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help=text)
    api.add_argument(
        "--async",
        dest="asynchronous",
        default="",
        metavar="s3://BUCKET/PREFIX",
        help="make asynchronous endpoints, for requests and replies of up to 1 GB and one hour; both lie "
        "below this address",
    )
    api.add_argument(
        "--serverless",
        type=int,
        metavar="MB",
        help="make serverless endpoints with this memory, 1024 to 6144 in steps of 1024: no GPU, and at most "
        "4 MB a request; check first that your region offers them, also in China",
    )


def _up(args: argparse.Namespace) -> int:
    return _up_endpoints(args) if args.mode == "api" else _up_stack(args)


def _up_endpoints(args: argparse.Namespace) -> int:
    aws = aws_of(args)
    planned = list(_planned(args, aws))
    _check(args, aws, [deployment for _, deployment in planned], _images_of(args))
    for endpoint, _ in planned:
        endpoint.up()
    return 0


def _planned(args: argparse.Namespace, aws: Aws) -> Iterator[tuple[Endpoint, Deployment]]:
    """Yields each endpoint to deploy, and what the checks need to know of it."""
    features = [find(name) for name in args.features]
    hosting = _hosting_of(args)
    for group in [features] if args.together else [[feature] for feature in features]:
        endpoint = Endpoint(*group, aws=aws, stack=args.stack, hosting=hosting, say=say)
        instance_type = "" if hosting.serverless_mb else endpoint.instance_type
        yield endpoint, Deployment(group, "sagemaker", instance_type, hosting.instances)


def _up_stack(args: argparse.Namespace) -> int:
    aws = aws_of(args)
    solution = solution_of(args, aws)
    before, deployed = solution.parameters(), solution.targets()
    targets, settings = _targets_of(args.features, deployed), _settings_of(args, before)
    registry, prefix, tag = (settings.get(f"Image{name}", "") for name in ("Registry", "Prefix", "Tag"))
    # features that stay are checked too, because they share the image tag and the quota of instances
    deployments = list(_deployments(deployed | targets, before | settings))
    _check(args, aws, deployments, Images(registry=registry, prefix=prefix, tag=tag))
    if not solution.up(targets, files(), confirm=_confirm(args), settings=settings, bucket=args.bucket):
        say("nothing was changed")
        return FAILED
    if not aws.dry_run:
        show_table(solution.status())
    return 0


def _deployments(targets: dict[str, str], settings: dict[str, str]) -> Iterator[Deployment]:
    for name, target in targets.items():
        if target != "no":
            feature = find(name)
            instance_type = settings.get("InstanceType") or feature.resources.instance_type
            yield Deployment([feature], target, instance_type, int(settings.get("MinInstances", 1)))


def _confirm(args: argparse.Namespace) -> Callable[[Sequence[Change]], bool]:
    def confirm(changes: Sequence[Change]) -> bool:
        show_table(changes)
        return args.yes or confirmed(f"Change stack {args.stack}?")

    return confirm


def _check(args: argparse.Namespace, aws: Aws, deployments: Sequence[Deployment], images: Images) -> None:
    """Shows the findings of the pre-flight checks.

    Raises `AwsError` when one of them would stop the deployment, except in a dry run.
    """
    if not args.checks:
        return
    findings = preflight(aws, deployments, images, stack=args.mode == "stack")
    for finding in findings:
        say(f"{finding.level:<5} {finding.check:<12} {finding.found}")
        if finding.advice and finding.level != "ok":
            say(f"{'':<18} -> {finding.advice}")
    stops = sum(finding.level == "stop" for finding in findings)
    if stops and not aws.dry_run:
        raise AwsError(f"pre-flight: {stops} of {len(findings)} checks failed; nothing was changed")


def _targets_of(named: Sequence[str], deployed: Mapping[str, str]) -> dict[str, str]:
    """Returns the target of each named feature.

    A feature named without a target stays where it is deployed; a new one goes to `sagemaker`.
    """
    targets = {}
    for text in named:
        name, _, target = text.partition(":")
        feature = find(name).name
        targets[feature] = target or deployed.get(feature, "sagemaker")
        if targets[feature] not in TARGETS:
            raise InvalidRequest(f"{name}: target {target!r}, must be one of {', '.join(TARGETS)}")
    return targets


def _settings_of(args: argparse.Namespace, deployed: Mapping[str, str]) -> dict[str, str]:
    """Returns the parameters of the stack to set: those given as options, and always those of the images."""
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
    retained = {name: value for name, value in deployed.items() if name.startswith("Image")}
    chosen = {name: value for name, value in given.items() if value}
    return {**first, **retained, **chosen, **_pairs(args.set)}


def _images_of(args: argparse.Namespace) -> Images:
    default = Images()
    return Images(
        registry=args.registry, prefix=args.image_prefix or default.prefix, tag=args.image_tag or default.tag
    )


def _hosting_of(args: argparse.Namespace) -> Hosting:
    return Hosting(
        images=_images_of(args),
        instance_type=args.instance_type,
        instances=args.instances,
        role=args.role,
        asynchronous=args.asynchronous,
        serverless_mb=args.serverless,
        inference_ami=args.inference_ami,
        environment=_pairs(args.env),
    )


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    """Returns the value of each `NAME=VALUE` by its name. Raises `InvalidRequest`."""
    for text in texts:
        if "=" not in text:
            raise InvalidRequest(f"{text}: NAME=VALUE is expected")
    return {name: value for name, _, value in (text.partition("=") for text in texts)}
