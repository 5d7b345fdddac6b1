"""The `aikit` command: the list of its commands, and its exit status."""

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
    "serve": ("serve", "Start the container process of one or several features."),
    "up": ("up", "Run features on this machine behind one gateway, as the local stack."),
    "call": ("call", "Send requests to a feature, in this process or in a running container."),
    "demo": ("demo", "Start general_ocr, read an image, and print and draw the text."),
    "pull": ("weights", "Download the weights of a feature, and compile its networks."),
    "verify": (
        "weights",
        "List every declared weight file, and tell whether it is here with the right hash.",
    ),
    "requires": ("features", "Print the Python packages that one feature or all features need."),
    "openapi": ("features", "Print one OpenAPI document for all features."),
    "cost": (
        "cost",
        "Estimate what each feature costs a month on AWS, and check the cost tables of the original guide.",
    ),
    "docs": ("docs", "Write the documents and snapshots that are derived from the declarations."),
    "deploy": ("deploy", "Deploy, inspect, call and remove features on AWS."),
}
"""The module that has each command, and the command's help text. `add_<command>` adds its arguments."""


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command in `argv`; None means the command line of this process.

    Exits with 0 on success. On failure exits with another status and one line on stderr: 2 for a mistake of
    the caller, 1 for any other failure, 130 after Ctrl-C.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        args = parser(words).parse_args(words)
        sys.exit(args.run(args) or 0)
    except InvalidRequest as error:
        _fail(error, _MISUSED)
    except (ServingError, OSError) as error:
        _fail(error, FAILED)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


def parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Returns a parser that knows every command.

    Only the command that `words` begins with has its arguments, so that no other module is imported.
    """
    parser = argparse.ArgumentParser(prog="aikit", description="Serve AI features in containers.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, (module, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        if name in words[:1]:
            getattr(importlib.import_module(f"aikit.{module}"), f"add_{name}")(command)
    return parser


def _fail(error: Exception, code: int) -> None:
    print(f"aikit: {error}", file=sys.stderr)
    sys.exit(code)
