"""Options that several commands share, and what they mean."""

import argparse
from pathlib import Path

from serving.feature import Feature, discover, find
from serving.settings import Settings

FAILED = 1
"""Exit status of a command that was understood and failed."""


def add_feature(command: argparse.ArgumentParser, text: str = "name of the feature") -> None:
    """Adds the argument FEATURE."""
    command.add_argument("feature", metavar="FEATURE", help=text)


def add_profile(command: argparse.ArgumentParser) -> None:
    """Adds `--profile`."""
    text = "set of weights; default: lite, or standard where there is no lite"
    command.add_argument("--profile", help=text)


def add_loading(command: argparse.ArgumentParser) -> None:
    """Adds the options that say how a feature is loaded."""
    add_profile(command)
    text = "folder of your own weight files, which win over all others"
    command.add_argument("--model-dir", type=Path, metavar="DIR", help=text)
    command.add_argument("--device", help="auto, cpu, cuda or cuda:N; default: auto")


def add_body(command: argparse.ArgumentParser) -> None:
    """Adds the options that name a request."""
    command.add_argument(
        "--img", type=Path, nargs="+", default=[], metavar="FILE", help="image files to send"
    )
    text = "file with the request body; - reads standard input"
    command.add_argument("--json", type=Path, metavar="FILE", help=text)


def settings_of(args: argparse.Namespace) -> Settings:
    """Returns the environment's settings, in which the options of the command line win."""
    given = {name: getattr(args, name, None) for name in Settings.__struct_fields__}
    return Settings.read(**{name: value for name, value in given.items() if value not in (None, "")})


def features_of(name: str) -> list[Feature]:
    """Returns the feature of that name, or every feature for `all`. Raises `InvalidRequest`."""
    return list(discover().values()) if name == "all" else [find(name)]
