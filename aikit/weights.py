"""`aikit pull` and `aikit verify`: download the weight files, and check them."""

import argparse
import sys

from serving.feature import discover

from .options import FAILED, add_feature, add_profile, features_of, settings_of


def add_pull(command: argparse.ArgumentParser) -> None:
    add_feature(command, "name of the feature, or all")
    add_profile(command)
    text = "download nothing; features without weights on this machine are skipped and reported"
    command.add_argument("--offline", action="store_true", help=text)
    command.set_defaults(run=_pull)


def add_verify(command: argparse.ArgumentParser) -> None:
    command.set_defaults(run=_verify)


def _pull(args: argparse.Namespace) -> int:
    from serving.model import load_model
    from serving.progress import step
    from serving.weights import Packages, Store, WeightsError

    settings = settings_of(args)
    incomplete = False
    with Packages() as packages:
        store = Store.of(settings, packages)
        for feature in features_of(args.feature):
            profile = settings.profile or feature.default_profile
            try:
                weights = store.pull(feature, profile, download=not args.offline)
            except WeightsError as error:
                print(f"skipped: {error}", file=sys.stderr)
                incomplete = True
                continue
            with step(f"compiling {feature.name} ({profile})"):
                load_model(feature, weights, settings.device)
            for name, path in weights.items():
                print(f"{feature.name} {profile}: {name}: {path}")
    return FAILED if incomplete and not args.offline else 0


def _verify(args: argparse.Namespace) -> int:
    from serving.weights import Store

    rows = Store.of(settings_of(args)).verify(discover().values())
    for row in rows:
        print(f"{row.state:<11} {row.feature} {row.profile} {row.file} ({row.license}) {row.place}")
    return FAILED if any(row.state == "wrong hash" for row in rows) else 0
