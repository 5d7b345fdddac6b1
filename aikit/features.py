"""`aikit list`, `aikit requires` and `aikit openapi`: print what the features declare."""

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence

from deploy.tables import columns
from serving.feature import Feature, discover
from serving.openapi import document

from .options import add_feature, features_of


def add_list(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--json", action="store_true", help="print JSON, which also has titles, profiles and aliases"
    )
    command.add_argument(
        "--licenses", action="store_true", help="print the licence and the commercial use of each weight file"
    )
    command.set_defaults(run=_list)


def add_requires(command: argparse.ArgumentParser) -> None:
    add_feature(command, "name of the feature, or all")
    command.set_defaults(run=_requires)


def add_openapi(command: argparse.ArgumentParser) -> None:
    command.set_defaults(run=_openapi)


def _list(args: argparse.Namespace) -> None:
    features = discover().values()
    if args.licenses:
        print("\n".join(columns(list(_licenses(features)))))
    elif args.json:
        rows = [
            {
                "name": feature.name,
                "title": feature.title,
                "title_zh": feature.title_zh,
                "summary": feature.summary,
                "profiles": sorted(feature.profiles),
                "names": feature.names,
            }
            for feature in features
        ]
        print(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        print("\n".join(columns([(feature.name, feature.summary) for feature in features])))


def _licenses(features: Iterable[Feature]) -> Iterator[Sequence[str]]:
    yield "feature", "profile", "file", "licence", "commercial use", "origin"
    for feature in features:
        for name, profile in feature.profiles.items():
            for file in profile.files:
                yield feature.name, name, file.name, file.license, file.commercial_use, file.origin


def _requires(args: argparse.Namespace) -> None:
    for line in sorted({line for feature in features_of(args.feature) for line in feature.requires}):
        print(line)


def _openapi(_: argparse.Namespace) -> None:
    print(json.dumps(document(list(discover().values())), ensure_ascii=False, indent=2))
