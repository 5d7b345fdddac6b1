"""`aikit deploy`: features on AWS, in one CloudFormation stack, or each at an endpoint without a stack."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from deploy.aws.calls import Aws, AwsError
from deploy.aws.images import Images
from deploy.aws.logs import endpoint_group, follow, tail
from deploy.aws.stack import Change
from deploy.cloudformation.templates import assets, templates
from deploy.endpoint import Endpoint
from deploy.preflight import Want, preflight
from deploy.stack import Solution, files_of
from deploy.tables import columns
from serving.errors import InvalidRequest
from serving.feature import Feature, discover, find
from serving.service import Reply

from .client import bodies_of
from .deploy_options import add_options, hosting_of, images_of, settings_of, targets_of
from .options import FAILED

Run = Callable[[argparse.Namespace], int | None]

_show = partial(print, flush=True)


def _say(line: str, end: str = "\n") -> None:
    """Progress goes to stderr, as stdout carries data."""
    sys.stderr.write(line + end)
    sys.stderr.flush()


def add_deploy(deploy: argparse.ArgumentParser) -> None:
    """Gives the `deploy` command its own commands."""
    commands = deploy.add_subparsers(metavar="ACTION", required=True)
    runs: dict[str, tuple[Run, str]] = {
        "up": (_up, "Deploy features, or change how they run; others stay as they are."),
        "down": (_down, "Remove features, or everything; say what is kept and why."),
        "status": (_status, "Show what is deployed, how it is and where it answers."),
        "logs": (_logs, "Print the last lines of a feature's log."),
        "invoke": (_invoke, "Ask a deployed feature."),
        "template": (_template, "Write the CloudFormation templates and the functions' code."),
    }
    for name, (run, text) in runs.items():
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        add_options(command, name)


def _aws(args: argparse.Namespace) -> Aws:
    if args.poll <= 0:
        raise InvalidRequest(f"poll: {args.poll:g} s, more than 0")
    return Aws(args.region, dry_run=_show if getattr(args, "dry_run", False) else None, poll_s=args.poll)


def _up(args: argparse.Namespace) -> int:
    aws = _aws(args)
    if args.mode == "api":
        planned = list(_planned(args, aws))
        _check(args, aws, [want for _, want in planned], images_of(args))
        for endpoint, _ in planned:
            endpoint.up()
        return 0
    solution = Solution(aws, args.stack, say=_say)
    before, deployed = solution.parameters(), solution.targets()
    targets, settings = targets_of(args.features, deployed), settings_of(args, before)
    registry, prefix, tag = (settings.get(f"Image{name}", "") for name in ("Registry", "Prefix", "Tag"))
    # those that stay are checked too: they share the tag of the images and the quota of the instances
    wants = list(_wants(deployed | targets, before | settings))
    _check(args, aws, wants, Images(registry=registry, prefix=prefix, tag=tag))
    if not solution.up(targets, _files(), confirm=_confirm(args), settings=settings, bucket=args.bucket):
        _say("nothing is changed")
        return FAILED
    if not aws.dry_run:
        _table(solution.status())
    return 0


def _wants(targets: dict[str, str], settings: dict[str, str]) -> Iterator[Want]:
    for name, target in targets.items():
        if target != "no":
            feature = find(name)
            instance_type = settings.get("InstanceType") or feature.resources.instance_type
            yield Want([feature], target, instance_type, int(settings.get("MinInstances", 1)))


def _planned(args: argparse.Namespace, aws: Aws) -> Iterator[tuple[Endpoint, Want]]:
    """Those of `--mode api`, each with what is to be checked before."""
    features = [find(name) for name in args.features]
    hosting = hosting_of(args)
    for group in [features] if args.together else [[feature] for feature in features]:
        endpoint = Endpoint(*group, aws=aws, stack=args.stack, hosting=hosting, say=_say)
        instance_type = "" if hosting.serverless_mb else endpoint.instance_type
        yield endpoint, Want(group, "sagemaker", instance_type, hosting.instances)


def _check(args: argparse.Namespace, aws: Aws, wants: Sequence[Want], images: Images) -> None:
    """Show what may stop the deployment. Raises `AwsError` where something will, unless in a dry run."""
    if not args.checks:
        return
    findings = preflight(aws, wants, images, stack=args.mode == "stack")
    for finding in findings:
        _say(f"{finding.level:<5} {finding.check:<12} {finding.said}")
        if finding.advice and finding.level != "ok":
            _say(f"{'':<18} -> {finding.advice}")
    stops = sum(finding.level == "stop" for finding in findings)
    if stops and not aws.dry_run:
        raise AwsError(f"pre-flight: {stops} of {len(findings)} checks failed; nothing is changed")


def _confirm(args: argparse.Namespace) -> Callable[[Sequence[Change]], bool]:
    def confirm(changes: Sequence[Change]) -> bool:
        _table(changes)
        return args.yes or _agreed(f"Change stack {args.stack}?")

    return confirm


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise InvalidRequest("yes: nobody is there to be asked; pass --yes")
    _say(f"{question} [y/N] ", end="")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _down(args: argparse.Namespace) -> int:
    aws = _aws(args)
    what = ", ".join(args.features) or "everything"
    if not (args.yes or aws.dry_run or _agreed(f"Remove {what} of {args.stack} in {aws.region}?")):
        return FAILED
    kept: list[str] = []
    if args.mode == "api":
        for endpoint in _endpoints(args, aws):
            kept += endpoint.down(logs=args.logs)
    else:
        kept = _remove(args, Solution(aws, args.stack, say=_say))
    for line in kept:
        _show(f"kept: {line}")
    return 0


def _remove(args: argparse.Namespace, solution: Solution) -> list[str]:
    """Some features of the stack, or the stack where none would be left; what is kept."""
    deployed = solution.targets()
    named = {find(name).name for name in args.features}
    left = set(deployed) - named
    if named and left:
        solution.up(dict.fromkeys(sorted(named), "no"), _files(), confirm=lambda _: True, settings={})
        return [f"{name}: it was not named" for name in sorted(left)]
    return solution.down(images=args.images, logs=args.logs)


def _endpoints(args: argparse.Namespace, aws: Aws) -> list[Endpoint]:
    """Those of `--mode api` that may be there: of the features named, else of all, and all together."""
    features = [find(name) for name in args.features] or list(discover().values())
    alone = [] if args.together else [[feature] for feature in features]
    together = [list(discover().values())] if args.together or not args.features else []
    return [Endpoint(*group, aws=aws, stack=args.stack, say=_say) for group in [*alone, *together]]


def _status(args: argparse.Namespace) -> None:
    aws = _aws(args)
    rows: list[Any]
    if args.mode == "api":
        states = [endpoint.state() for endpoint in _endpoints(args, aws)]
        rows = [state for state in states if state.status != "absent"]
    else:
        names = {find(name).name for name in args.features}
        rows = [
            row for row in Solution(aws, args.stack, say=_say).status() if not names or row.feature in names
        ]
    if args.json:
        _show(json.dumps([row._asdict() for row in rows], indent=2))
    elif rows:
        _table(rows)
    else:
        _say(f"{args.stack}: nothing is deployed in {aws.region}")


def _table(rows: Sequence[Any]) -> None:
    """Prints named tuples of one kind; columns that are empty throughout are left out."""
    header = [name.replace("_", " ") for name in rows[0]._fields]
    texts = [header, *(["" if value is None else str(value) for value in row] for row in rows)]
    filled = [column for column in zip(*texts, strict=True) if any(column[1:])]
    for line in columns(list(zip(*filled, strict=True))):
        _show(line)


def _logs(args: argparse.Namespace) -> None:
    aws = _aws(args)
    group = _log_group(args, aws, find(args.feature))
    for line in follow(aws, group, lines=args.lines) if args.follow else tail(aws, group, lines=args.lines):
        _show(line)


def _log_group(args: argparse.Namespace, aws: Aws, feature: Feature) -> str:
    if args.mode == "api":
        return endpoint_group(_endpoint(args, aws, feature).name)
    for row in Solution(aws, args.stack, say=_say).status():
        if row.feature == feature.name and row.log_group:
            return row.log_group
    raise InvalidRequest(f"{feature.name}: is not deployed in stack {args.stack}")


def _endpoint(args: argparse.Namespace, aws: Aws, feature: Feature) -> Endpoint:
    group = list(discover().values()) if args.together else [feature]
    return Endpoint(*group, aws=aws, stack=args.stack, say=_say)


def _invoke(args: argparse.Namespace) -> int:
    aws, feature = _aws(args), find(args.feature)
    bodies, content_type = bodies_of(args.img, args.json)
    call: Callable[[bytes], Reply]
    if args.mode == "api":
        named = feature.name if args.together else ""
        endpoint = _endpoint(args, aws, feature)
        call = partial(endpoint.invoke, content_type=content_type, feature=named)
    else:
        solution = Solution(aws, args.stack, say=_say)
        call = partial(solution.invoke, feature, content_type=content_type, api_key=args.api_key)
    replies = [call(body) for body in bodies]
    answers = [_readable(reply) for reply in replies]
    named_answers = dict(zip(map(str, args.img), answers, strict=False))
    _show(json.dumps(named_answers if len(answers) > 1 else answers[0], ensure_ascii=False, indent=2))
    return 0 if all(reply.status == HTTPStatus.OK for reply in replies) else FAILED


def _readable(reply: Reply) -> Any:
    try:
        return json.loads(reply.body)
    except ValueError:
        return {"status": reply.status, "detail": reply.body.decode("utf-8", "replace")}


def _template(args: argparse.Namespace) -> None:
    args.out.mkdir(parents=True, exist_ok=True)
    for name, content in _files().items():
        (args.out / name).write_bytes(content)
        _show(f"written: {args.out / name}")


def _files() -> dict[str, bytes]:
    return files_of(templates(list(discover().values())), assets())
