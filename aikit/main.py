"""The `aikit` command: its commands, and how it ends."""

import argparse
import importlib
import sys
from collections.abc import Sequence

from serving.errors import InvalidRequest, ServingError

from .options import FAILED

_MISUSED = 2
_INTERRUPTED = 130

COMMANDS = {
    "list": ("features", "List the features."),
    "serve": ("serve", "Start the container process of one feature or of several."),
    "up": ("up", "Run features on this machine behind one gateway: the local stack."),
    "call": ("call", "Ask a feature, in this process or in a running container."),
    "demo": ("demo", "Start general_ocr, read a photograph, and print and draw the text."),
    "pull": ("weights", "Fetch and compile the weights of a feature."),
    "verify": ("weights", "Check every declared weight file that is on this machine."),
    "requires": ("features", "Print the Python packages that a feature, or all features, need."),
    "openapi": ("features", "Print the OpenAPI document of every feature."),
    "cost": (
        "cost",
        "Estimate what each feature costs a month on AWS, and check the guide's own figures.",
    ),
    "docs": ("docs", "Write everything that is derived from the declarations: documents and snapshots."),
    "deploy": ("deploy", "Run features on AWS."),
}
"""Each command, its module and its help. `add_<command>` of the module gives the command its arguments."""


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command that `argv`, or else the command line, names.

    Exits with 0, or with another status and one clear line on stderr when the command failed.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    args = parser(words).parse_args(words)
    try:
        sys.exit(args.run(args) or 0)
    except InvalidRequest as error:
        _fail(error, _MISUSED)
    except (ServingError, OSError) as error:
        _fail(error, FAILED)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


def parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Returns a parser of every command; only the module of the command in `words` is imported."""
    parser = argparse.ArgumentParser(prog="aikit", description="Serve AI features, one container each.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, (module, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        if name in words[:1]:
            getattr(importlib.import_module(f"aikit.{module}"), f"add_{name}")(command)
    return parser


def _fail(error: Exception, code: int) -> None:
    print(f"aikit: {error}", file=sys.stderr)
    sys.exit(code)
