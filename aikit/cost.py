"""`aikit cost`: estimates what the features cost on AWS."""

import argparse
import json

import msgspec

from deploy.cost.report import report
from deploy.cost.text import render
from serving.feature import discover


def add_cost(command: argparse.ArgumentParser) -> None:
    region, requests = "us-east-2", 10**6
    about = f"AWS region, {region} or cn-northwest-1; default: {region}"
    command.add_argument("--region", default=region, help=about)
    about = f"calls of each feature in a month; default: {requests}"
    command.add_argument("--requests", type=int, default=requests, metavar="N", help=about)
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=_cost)


def _cost(args: argparse.Namespace) -> None:
    found = report(list(discover().values()), args.region, args.requests)
    if args.json:
        print(json.dumps(msgspec.to_builtins(found), ensure_ascii=False, indent=2))
    else:
        print(render(found))
