"""`aikit deploy down`: removes features, or everything."""

import argparse

from aikit.options import FAILED
from deploy.stack import Solution
from serving.feature import find

from .shared import add_caution, add_place, aws_of, confirmed, endpoints_of, show, solution_of
from .template import files


def add_down(command: argparse.ArgumentParser) -> None:
    text = "name of the feature; default: everything"
    command.add_argument("features", metavar="FEATURE", nargs="*", help=text)
    add_place(command)
    add_caution(command)
    text = "with --mode stack: also delete the features' ECR repositories and the images in them"
    command.add_argument("--images", action="store_true", help=text)
    text = "also delete the logs of the endpoints"
    command.add_argument("--logs", action="store_true", help=text)
    command.set_defaults(run=_down)


def _down(args: argparse.Namespace) -> int:
    aws = aws_of(args)
    what = ", ".join(args.features) or "everything"
    if not (args.yes or aws.dry_run or confirmed(f"Remove {what} of {args.stack} in {aws.region}?")):
        return FAILED
    kept: list[str] = []
    if args.mode == "api":
        for endpoint in endpoints_of(args, aws):
            kept += endpoint.down(logs=args.logs)
    else:
        kept = _remove(args, solution_of(args, aws))
    for line in kept:
        show(f"kept: {line}")
    return 0


def _remove(args: argparse.Namespace, solution: Solution) -> list[str]:
    """Removes the named features, or the whole stack when no feature would be left. Returns what is kept."""
    deployed = solution.targets()
    named = {find(name).name for name in args.features}
    left = set(deployed) - named
    if named and left:
        solution.up(dict.fromkeys(sorted(named), "no"), files(), confirm=lambda _: True, settings={})
        return [f"{name}: it was not named" for name in sorted(left)]
    return solution.down(images=args.images, logs=args.logs)
