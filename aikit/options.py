"""Options that several commands share, and the values that follow from them."""

import argparse
from pathlib import Path

from serving.feature import Feature, discover, find
from serving.settings import Settings

FAILED = 1
"""Exit status of a command that had valid arguments and failed."""


def add_feature(command: argparse.ArgumentParser, text: str = "name of the feature") -> None:
    """Adds the argument FEATURE."""
    command.add_argument("feature", metavar="FEATURE", help=text)


def add_profile(command: argparse.ArgumentParser) -> None:
    """Adds `--profile`."""
    text = "profile of the weights; default: lite, or the first profile of a feature without lite"
    command.add_argument("--profile", help=text)


def add_loading(command: argparse.ArgumentParser) -> None:
    """Adds the options that control how a feature is loaded."""
    add_profile(command)
    text = "folder with your own weight files, which are used before all others"
    command.add_argument("--model-dir", type=Path, metavar="DIR", help=text)
    command.add_argument("--device", help="device for the networks: auto, cpu, cuda or cuda:N; default: auto")


def add_body(command: argparse.ArgumentParser) -> None:
    """Adds `--img` and `--json`, which name the content of the requests."""
    command.add_argument(
        "--img",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="image files; each is sent as one request",
    )
    text = "file with a JSON request body; - reads standard input"
    command.add_argument("--json", type=Path, metavar="FILE", help=text)


def settings_of(args: argparse.Namespace) -> Settings:
    """Returns the settings from the environment. Options that are given on the command line replace them."""
    given = {name: getattr(args, name, None) for name in Settings.__struct_fields__}
    return Settings.read(**{name: value for name, value in given.items() if value not in (None, "")})


def features_of(name: str) -> list[Feature]:
    """Returns the feature of that name; `all` means every feature. Raises `InvalidRequest`."""
    return list(discover().values()) if name == "all" else [find(name)]
