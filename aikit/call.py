"""The `aikit` command."""

import argparse
import contextlib
import json
import sys
from collections.abc import Callable, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from deploy.local.options import add_options as add_up_options
from deploy.local.options import options_of
from serving.errors import InvalidRequest, ServingError
from serving.feature import Feature, discover, find
from serving.settings import Settings

Command = Callable[[argparse.Namespace], int | None]

_FAILED = 1
_MISUSED = 2


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; exits non-zero with one clear line when it cannot."""
    words = sys.argv[1:] if argv is None else argv
    args = _parser(deploys=words[:1] == ["deploy"]).parse_args(words)
    try:
        sys.exit(args.run(args) or 0)
    except InvalidRequest as error:
        _fail(error, _MISUSED)
    except (ServingError, OSError) as error:
        _fail(error, _FAILED)
    except KeyboardInterrupt:
        sys.exit(130)


def _fail(error: Exception, code: int) -> None:
    print(f"aikit: {error}", file=sys.stderr)
    sys.exit(code)


def _parser(*, deploys: bool) -> argparse.ArgumentParser:
    """deploys: with the commands of `deploy`, which take some time to load."""
    parser = argparse.ArgumentParser(prog="aikit", description="Serve AI features, one container each.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(run: Command, help_text: str, *, feature: str = "") -> argparse.ArgumentParser:
        added = commands.add_parser(run.__name__.strip("_"), help=help_text, description=help_text)
        added.set_defaults(run=run)
        if feature == "?":
            added.add_argument("feature", metavar="FEATURE", nargs="?", help="default: AIKIT_FEATURE")
        elif feature:
            added.add_argument("feature", metavar="FEATURE", help=feature)
        return added

    listing = command(_list, "List the features.")
    listing.add_argument("--json", action="store_true")

    serving = command(_serve, "Start the container process of a feature, or of several.", feature="?")
    serving.add_argument("--features", metavar="A,B,…", help="several in one container, by commas")
    serving.add_argument("--port", type=int, help="default 8080, or SAGEMAKER_BIND_TO_PORT")
    _add_loading_options(serving)

    upping = command(_up, "Run features on this machine behind one gateway: the local stack.")
    add_up_options(upping)
    _add_loading_options(upping)

    calling = command(_call, "Ask a feature, in process or a running container.", feature="its name")
    calling.add_argument("--img", type=Path, nargs="+", default=[], metavar="FILE", help="image files")
    calling.add_argument("--json", type=Path, metavar="FILE", help="the request body; - reads standard input")
    calling.add_argument("--url", help="a running container, such as http://localhost:8080")
    calling.add_argument("--draw", type=Path, metavar="OUT.png", help="draw the reply over the image")
    _add_loading_options(calling)

    demo = command(_demo, "Start general_ocr, read a photograph, print and draw what it says.")
    demo.add_argument("--img", type=Path, metavar="FILE", help="default: the picture that comes with it")
    demo.add_argument("--draw", type=Path, metavar="OUT.png", default=Path("out/demo.png"))

    pulling = command(_pull, "Fetch and compile the weights of a feature.", feature="its name, or all")
    _add_profile(pulling)
    offline = "download nothing: leave out features whose weights are not on this machine, and say so"
    pulling.add_argument("--offline", action="store_true", help=offline)
    command(_verify, "Check every declared weight file that is on this machine.")
    command(_requires, "Print the Python packages a feature, or all, needs.", feature="its name, or all")
    command(_openapi, "Print the OpenAPI document of every feature.")
    costing = command(_cost, "Estimate a month on AWS per feature, and check the guide's own figures.")
    costing.add_argument("--region", default="us-east-2", help="us-east-2 (default) or cn-northwest-1")
    costing.add_argument("--requests", type=int, default=10**6, metavar="N", help="a month; default 1000000")
    costing.add_argument("--json", action="store_true")
    docs = command(_docs, "Write the derived parts of the documentation.")
    docs.add_argument("--check", action="store_true", help="write nothing; fail when something is stale")
    deploying = commands.add_parser("deploy", help="Run features on AWS.", description="Run features on AWS.")
    if deploys:
        from aikit.deploy import add_commands  # late: serving does not depend on deploy

        add_commands(deploying)
    return parser


def _add_profile(command: argparse.ArgumentParser) -> None:
    command.add_argument("--profile", help="set of weights; default lite, or standard where there is no lite")


def _add_loading_options(command: argparse.ArgumentParser) -> None:
    _add_profile(command)
    command.add_argument("--model-dir", type=Path, metavar="DIR", help="your own weights; they win")
    command.add_argument("--device", help="auto, cpu, cuda or cuda:N; default auto")


def _settings(args: argparse.Namespace) -> Settings:
    """The environment's settings, overridden by what the command line gives."""
    given = {name: getattr(args, name, None) for name in Settings.__struct_fields__}
    return Settings.read(**{name: value for name, value in given.items() if value not in (None, "")})


def _features(name: str) -> list[Feature]:
    return list(discover().values()) if name == "all" else [find(name)]


def _list(args: argparse.Namespace) -> None:
    features = discover().values()
    if args.json:
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
        return
    width = max(len(feature.name) for feature in features)
    for feature in features:
        print(f"{feature.name:<{width}}  {feature.summary}")


def _serve(args: argparse.Namespace) -> int:
    from serving.container.front import serve

    settings = _settings(args)
    named = args.features or args.feature or ("" if settings.multi_model else settings.feature)
    names = named.split(",") if named or not settings.multi_model else []  # which may begin with none
    return serve([find(name.strip()) for name in names], settings)


def _up(args: argparse.Namespace) -> int:
    from deploy.local.up import up

    features = [find(name) for name in args.features] or list(discover().values())
    return up(features, _settings(args), options_of(args), memory_mb=args.memory, most=args.most)


def _call(args: argparse.Namespace) -> int:
    from .client import ask, bodies_of

    if args.draw and len(args.img) != 1:
        raise InvalidRequest("draw: needs one --img, the picture to draw over")
    bodies, content_type = bodies_of(args.img, args.json)
    replies = ask(find(args.feature), bodies, content_type, url=args.url, settings=_settings(args))
    answers = [json.loads(reply.body) for reply in replies]
    named = dict(zip(map(str, args.img), answers, strict=False))
    print(json.dumps(named if len(answers) > 1 else answers[0], ensure_ascii=False, indent=2))
    if any(reply.status != HTTPStatus.OK for reply in replies):
        return _FAILED
    if args.draw:
        _draw(answers[0], args.img[0], args.draw)
    return 0


def _draw(reply: Any, image: Path, target: Path) -> None:
    from serving.images.drawing import draw
    from serving.images.intake import Media

    target.parent.mkdir(parents=True, exist_ok=True)
    draw(Media().decode(image.read_bytes()), reply).save(target, compress_level=1)
    print(f"drawn: {target}")


def _demo(args: argparse.Namespace) -> int:
    from serving.progress import step

    from .client import container, post

    image = args.img or find("general_ocr").folder / "example.jpg"
    with step("starting general_ocr"), contextlib.ExitStack() as stack:
        running = stack.enter_context(container("general_ocr"))
        reply = post(running.url, image.read_bytes(), content_type="application/octet-stream", timeout_s=60)
    answer = json.loads(reply.body)
    if reply.status != HTTPStatus.OK:
        raise InvalidRequest(f"{image}: {answer['detail']}")
    print(f"{image}: {len(answer)} lines")
    for line in answer:
        print(f"  {line['score']:.3f}  {line['words']}")
    _draw(answer, image, args.draw)
    return 0


def _pull(args: argparse.Namespace) -> None:
    from serving.model import load_model
    from serving.progress import step
    from serving.weights import Store, WeightsError

    settings = _settings(args)
    for feature in _features(args.feature):
        profile = settings.profile or feature.default_profile
        try:
            weights = Store.of(settings).pull(feature, profile, download=not args.offline)
        except WeightsError as error:
            if not args.offline:
                raise
            print(f"left out: {error}", file=sys.stderr)
            continue
        with step(f"compiling {feature.name} ({profile})"):
            load_model(feature, weights, settings.device)
        for name, path in weights.items():
            print(f"{feature.name} {profile}: {name}: {path}")


def _verify(args: argparse.Namespace) -> int:
    from serving.weights import Store

    rows = Store.of(_settings(args)).verify(discover().values())
    for row in rows:
        print(f"{row.state:<11} {row.feature} {row.profile} {row.file} ({row.license}) {row.place}")
    return _FAILED if any(row.state == "wrong hash" for row in rows) else 0


def _requires(args: argparse.Namespace) -> None:
    for line in sorted({line for feature in _features(args.feature) for line in feature.requires}):
        print(line)


def _openapi(_: argparse.Namespace) -> None:
    from serving.openapi import document

    print(json.dumps(document(list(discover().values())), ensure_ascii=False, indent=2))


def _cost(args: argparse.Namespace) -> None:
    import msgspec

    from deploy.cost.report import report  # late: serving does not depend on deploy
    from deploy.cost.text import text

    found = report(list(discover().values()), args.region, args.requests)
    builtins = msgspec.to_builtins(found)
    print(json.dumps(builtins, ensure_ascii=False, indent=2) if args.json else text(found))


def _docs(args: argparse.Namespace) -> int:
    from deploy.documents.documents import update  # late: serving does not depend on deploy

    stale = update(check=args.check)
    for name in stale:
        print(f"{'stale' if args.check else 'written'}: {name}")
    return _FAILED if args.check and stale else 0
