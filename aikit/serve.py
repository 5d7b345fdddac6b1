"""`aikit serve`: the container process."""

import argparse

from serving.feature import find

from .options import add_loading, settings_of


def add_serve(command: argparse.ArgumentParser) -> None:
    text = "name of the feature; default: AIKIT_FEATURE"
    command.add_argument("feature", metavar="FEATURE", nargs="?", help=text)
    command.add_argument("--features", metavar="A,B,…", help="several features in one container, by commas")
    command.add_argument("--port", type=int, help="default: 8080, or SAGEMAKER_BIND_TO_PORT")
    add_loading(command)
    command.set_defaults(run=_serve)


def _serve(args: argparse.Namespace) -> int:
    from serving.container.front import serve

    settings = settings_of(args)
    named = args.features or args.feature or ("" if settings.multi_model else settings.feature)
    # with SageMaker's multi-model calls, a container may begin with no feature
    names = named.split(",") if named or not settings.multi_model else []
    return serve([find(name.strip()) for name in names], settings)
