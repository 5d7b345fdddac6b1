"""`aikit deploy template`: writes the CloudFormation templates and the code of the Lambda functions."""

import argparse
from pathlib import Path

from deploy.cloudformation.templates import assets, templates
from deploy.stack import files_of
from serving.feature import discover

from .shared import show


def add_template(command: argparse.ArgumentParser) -> None:
    text = "folder to write to; default: out/templates"
    command.add_argument("--out", type=Path, metavar="DIR", default=Path("out/templates"), help=text)
    command.set_defaults(run=_template)


def files() -> dict[str, bytes]:
    """Returns the templates of all features and the archives of the functions' code, by file name."""
    return files_of(templates(list(discover().values())), assets())


def _template(args: argparse.Namespace) -> None:
    args.out.mkdir(parents=True, exist_ok=True)
    for name, content in files().items():
        (args.out / name).write_bytes(content)
        show(f"written: {args.out / name}")
