"""`aikit serve`: starts the container process."""

import argparse

from serving.feature import find

from .options import add_loading, settings_of


def add_serve(command: argparse.ArgumentParser) -> None:
    text = "name of the feature; default: the value of AIKIT_FEATURE"
    command.add_argument("feature", metavar="FEATURE", nargs="?", help=text)
    text = "several features in one container, separated by commas"
    command.add_argument("--features", metavar="A,B,…", help=text)
    text = "port to listen on; default: the value of SAGEMAKER_BIND_TO_PORT or AIKIT_PORT, or else 8080"
    command.add_argument("--port", type=int, help=text)
    add_loading(command)
    command.set_defaults(run=_serve)


def _serve(args: argparse.Namespace) -> int:
    from serving.container.front import serve

    settings = settings_of(args)
    named = args.features or args.feature or ("" if settings.multi_model else settings.feature)
    # a multi-model container may start without a feature, because SageMaker loads them by calls
    names = named.split(",") if named or not settings.multi_model else []
    return serve([find(name.strip()) for name in names], settings)
