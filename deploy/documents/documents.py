"""The documents that are derived from the declarations: `aikit docs` writes them.

They are parts of the README.md files, THIRD_PARTY.md, the Postman collection, and snapshots for the tests.
A derived part of a file stands between `<!-- name -->` and `<!-- /name -->`, each on a line of its own; all
else in the file is written by hand and left alone. feature_page.py makes the part of a feature's README.md.
"""

import ast
import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

from deploy.tables import table
from serving.errors import ServingError
from serving.feature import Bundled, Feature, WeightFile, discover
from serving.settings import Settings
from serving.weights.sources import address

from .clients import postman
from .feature_page import errors_rows, pretty, reference
from .snapshots import snapshots

ROOT = Path(__file__).parents[2]
_EMPTY = "<!-- reference -->\n<!-- /reference -->\n"


class DocumentError(ServingError):
    """A document that cannot be filled; the message names the file and the mark."""


def update(check: bool = False, root: Path = ROOT, features: Sequence[Feature] | None = None) -> list[str]:
    """The stale files, relative to `root`; they are written unless `check`. Raises `DocumentError`.

    features: all that there are if None.
    """
    features = list(discover().values()) if features is None else features
    stale = []
    for path, text in list(_documents(root, features)):  # all or nothing
        if not path.is_file() or path.read_text("utf-8") != text:
            stale.append(path.relative_to(root).as_posix())
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
    return stale


def fill(text: str, parts: Mapping[str, str], file: str) -> str:
    """`text` with what stands between each pair of marks replaced. Raises `DocumentError` naming `file`."""
    for name, content in parts.items():
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, _, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not closed or text.count(begin) > 1:
            raise DocumentError(f"{file}: exactly one {begin} and, after it, {end} are needed")
        text = f"{before}{begin}\n{content.strip()}\n{end}{after}"
    return text


def _documents(root: Path, features: Sequence[Feature]) -> Iterator[tuple[Path, str]]:
    """Each file and the text it should have."""
    parts = {
        "features": _features_table(features),
        "settings": table(["Variable", "Default", "Meaning"], _settings_rows(features)),
        "errors": table(["Status", "Code", "Meaning"], errors_rows()),
    }
    readme = root / "README.md"
    yield readme, fill(_read(readme), parts, "README.md")
    yield root / "THIRD_PARTY.md", third_party(features)
    yield root / "deploy" / "documents" / "postman_collection.json", pretty(postman(features)) + "\n"
    for name, content in snapshots(features).items():
        yield root / "tests" / "snapshots" / name, content
    for feature in features:
        path = root / "containers" / feature.name / "README.md"
        text = _read(path) or _EMPTY
        yield path, fill(text, {"reference": reference(feature)}, path.relative_to(root).as_posix())


def _read(path: Path) -> str:
    return path.read_text("utf-8") if path.is_file() else ""


def _features_table(features: Sequence[Feature]) -> str:
    header = ["Feature", "Title", "中文", "What it does", "Weights"]
    return table(
        header,
        (
            [
                f"[`{feature.name}`](containers/{feature.name}/README.md)",
                feature.title,
                feature.title_zh,
                feature.summary,
                ", ".join(feature.profiles),
            ]
            for feature in features
        ),
    )


def _settings_rows(features: Sequence[Feature]) -> Iterator[Sequence[str]]:
    meanings, defaults = _field_docstrings(Settings), Settings()
    for name in Settings.__struct_fields__:
        if name != "stores":
            yield f"`AIKIT_{name.upper()}`", _default(getattr(defaults, name)), meanings[name]
    for store in filter(None, (feature.store for feature in features)):
        yield f"`{store.variable}`", _default(store.default), store.meaning


def _default(value: object) -> str:
    if isinstance(value, bool):
        value = str(value).lower()
    text = str(value).replace(str(Path.home() / ".cache"), "~/.cache")
    return f"`{text}`" if value not in (None, "", ()) else "none"


def _field_docstrings(struct: type[msgspec.Struct]) -> dict[str, str]:
    """The string below each field, which Python itself throws away."""
    tree = ast.parse(inspect.getsource(struct))
    declaration = next(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    found = {}
    for statement, following in pairwise(declaration.body):
        match statement, following:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = text
    return found


def third_party(features: Iterable[Feature]) -> str:
    """THIRD_PARTY.md: every weight file, where it comes from and on which terms. Markdown."""
    lines = ["# Third-party weights", "", "Derived from the declarations by `aikit docs`."]
    for feature in features:
        for name, profile in feature.profiles.items():
            tests = "verified by this project's tests" if profile.verified else "declared, not verified"
            lines += ["", f"## {feature.name}, {name}", "", f"{profile.summary} Status: {tests}.", ""]
            if not profile.files:
                lines.append("No files.")
                continue
            lines += ["| file | origin | licence | from | sha256 |", "|---|---|---|---|---|"]
            lines += [_third_party_row(file) for file in profile.files]
    return "\n".join(lines) + "\n"


def _third_party_row(file: WeightFile) -> str:
    match file.source:
        case Bundled(package=package, path=path):
            whence = f"bundled: `{path}` in the Python package `{package}`"
        case source:
            whence = f"downloaded: <{address(source, hub='https://huggingface.co')}>"
    pinned = f"`{file.sha256}`" if file.sha256 else "pinned in weights.lock by the first pull"
    return f"| {file.name} | {file.origin} | {file.license} | {whence} | {pinned} |"
