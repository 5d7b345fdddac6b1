"""The documents that `aikit docs` derives from the declarations.

They are parts of the README.md files, THIRD_PARTY.md, the Postman collection, and snapshots for the tests.
A derived part of a file stands between `<!-- name -->` and `<!-- /name -->`, each on a line of its own. The
rest of the file is written by hand and never changed. feature_page.py gives the derived part of a feature's
README.md.
"""

import ast
import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

from deploy.tables import table
from serving.errors import ServingError
from serving.feature import Bundled, Feature, Hub, PackageFile, Source, Url, WeightFile, discover
from serving.settings import Settings
from serving.weights.sources import HUB, Mirrors

from .clients import postman
from .feature_page import errors_rows, pretty, reference
from .snapshots import snapshots

ROOT = Path(__file__).parents[2]
_EMPTY = "<!-- reference -->\n<!-- /reference -->\n"


class DocumentError(ServingError):
    """A mark is missing in a document. The message names the file and the mark."""


def update(check: bool = False, root: Path = ROOT, features: Sequence[Feature] | None = None) -> list[str]:
    """Writes the files that are not current, and returns their paths relative to `root`.

    check: only return the paths and write nothing. features: None means all. Raises `DocumentError`, and then
    writes nothing.
    """
    features = list(discover().values()) if features is None else features
    stale = []
    for path, text in list(_documents(root, features)):  # a list, so that an error comes before any writing
        if not path.is_file() or path.read_text("utf-8") != text:
            stale.append(path.relative_to(root).as_posix())
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
    return stale


def fill(text: str, parts: Mapping[str, str], file: str) -> str:
    """Returns `text` with new content between each pair of marks.

    parts: the content by the name of its marks. Raises `DocumentError`, which names `file`.
    """
    for name, content in parts.items():
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, _, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not closed or text.count(begin) > 1:
            raise DocumentError(f"{file}: must contain {begin} exactly once, and after it {end}")
        text = f"{before}{begin}\n{content.strip()}\n{end}{after}"
    return text


def _documents(root: Path, features: Sequence[Feature]) -> Iterator[tuple[Path, str]]:
    """Yields each file and the text that it should have."""
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
        yield f"`{store.variable}`", _default(store.default), store.description


def _default(value: object) -> str:
    if isinstance(value, bool):
        value = str(value).lower()
    text = str(value).replace(str(Path.home() / ".cache"), "~/.cache")
    return f"`{text}`" if value not in (None, "", ()) else "none"


def _field_docstrings(struct: type[msgspec.Struct]) -> dict[str, str]:
    """Returns the docstring below each field, from the source, because Python does not keep it."""
    tree = ast.parse(inspect.getsource(struct))
    declaration = next(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    found = {}
    for statement, following in pairwise(declaration.body):
        match statement, following:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = text
    return found


def third_party(features: Iterable[Feature]) -> str:
    """Returns THIRD_PARTY.md, which lists every weight file with its source and its licence."""
    lines = ["# Third-party weights", "", "`aikit docs` derives this file from the declarations."]
    for feature in features:
        for name, profile in feature.profiles.items():
            tests = "verified by this project's tests" if profile.verified else "declared, but not verified"
            lines += ["", f"## {feature.name}, {name}", "", f"{profile.summary} Status: {tests}.", ""]
            if not profile.files:
                lines.append("No files.")
                continue
            lines += [
                "| file | origin | licence | commercial use | from, in the order of trial | sha256 |",
                "|---|---|---|---|---|---|",
            ]
            lines += [_third_party_row(file) for file in profile.files]
    return "\n".join(lines) + "\n"


def _third_party_row(file: WeightFile) -> str:
    places = "; ".join(map(_place, file.sources))
    pinned = f"`{file.sha256}`" if file.sha256 else "the first pull records it in weights.lock"
    return f"| {file.name} | {file.origin} | {file.license} | {file.commercial_use} | {places} | {pinned} |"


def _place(source: Source) -> str:
    match source:
        case Bundled(package=package, path=path):
            return f"bundled: `{path}` in the Python package `{package}`"
        case PackageFile(index=index, package=package, version=version, member=member):
            return f"{index}: `{member}` in `{package}` {version}"
        case Url(address=address):
            return f"downloaded: <{address}>"
        case Hub():
            return f"downloaded: <{Mirrors(hub=HUB).addresses(source)[0]}>"
