"""`aikit docs`: writes the documents and snapshots that are derived from the declarations."""

import argparse

from deploy.documents.documents import update

from .options import FAILED


def add_docs(command: argparse.ArgumentParser) -> None:
    text = "write nothing; list what is out of date, and fail if there is anything"
    command.add_argument("--check", action="store_true", help=text)
    command.set_defaults(run=_docs)


def _docs(args: argparse.Namespace) -> int:
    stale = update(check=args.check)
    for name in stale:
        print(f"{'stale' if args.check else 'written'}: {name}")
    return FAILED if args.check and stale else 0
