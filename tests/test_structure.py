"""The structure of the tree: imports run one way, folders stay small, docstrings begin plainly."""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from setuptools.config.setupcfg import read_configuration

from tests.support.paths import ROOT

MAY_IMPORT = {
    "serving": set(),
    "containers": {"serving"},
    "deploy": {"serving", "containers"},
    "aikit": {"serving", "containers", "deploy"},
    "benchmarks": {"serving", "containers", "deploy", "aikit"},
    "training": {"serving", "containers", "benchmarks"},
    "tests": {"serving", "containers", "deploy", "aikit", "benchmarks", "training"},
}
INSTALLED = {"aikit", "containers", "deploy", "serving"}
MOST_MODULES = 16
BEGINNINGS = re.compile(r"(What|Whether|Of|How|Where|Who|Whose|As|Those|For|From|With|Nobody|Nothing)\b")


def modules() -> dict[str, Path]:
    """Returns every module of the packages by its dotted name."""
    files = [file for package in MAY_IMPORT for file in sorted((ROOT / package).rglob("*.py"))]
    names = (".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files)
    return {name.removesuffix(".__init__"): file for name, file in zip(names, files, strict=True)}


MODULES = modules()


def imports(name: str) -> Iterator[str]:
    """Yields the modules of this project that a module imports, late imports included."""
    package = name if MODULES[name].name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(MODULES[name].read_text("utf-8"))):
        match node:
            case ast.Import(names=aliases):
                targets = [alias.name for alias in aliases]
            case ast.ImportFrom(module=module, level=level, names=aliases):
                above = package.split(".")[: len(package.split(".")) - level + 1] if level else []
                base = ".".join([*above, *([module] if module else [])])
                inner = [f"{base}.{alias.name}" for alias in aliases]
                targets = [one if one in MODULES else base for one in inner]
            case _:
                continue
        yield from (target for target in targets if target in MODULES and target != name)


def test_imports_run_one_way() -> None:
    wrong = [
        f"{name} imports {target}"
        for name in MODULES
        for target in imports(name)
        if (above := name.partition(".")[0]) != (below := target.partition(".")[0])
        and below not in MAY_IMPORT[above]
    ]
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    rest = {name: set(imports(name)) for name in MODULES}
    while leaves := {name for name, targets in rest.items() if not targets & rest.keys()}:
        rest = {name: targets for name, targets in rest.items() if name not in leaves}
    assert sorted(rest) == []


def test_no_folder_holds_more_modules_than_a_reader_takes_in() -> None:
    counts = Counter(file.parent for file in MODULES.values() if file.name != "__init__.py")
    assert {folder.relative_to(ROOT).as_posix(): n for folder, n in counts.items() if n > MOST_MODULES} == {}


def test_every_package_that_is_installed_is_packaged() -> None:
    packaged = set(read_configuration(ROOT / "setup.cfg")["options"]["packages"])
    folders = {file.parent.relative_to(ROOT) for file in MODULES.values()}
    installed = {".".join(folder.parts) for folder in folders if folder.parts[0] in INSTALLED}
    assert installed - packaged == set()
    assert {name.partition(".")[0] for name in packaged} == INSTALLED


@pytest.mark.parametrize("package", [name for name in MAY_IMPORT if name != "tests"])
def test_docstrings_begin_with_what_the_thing_is_or_does(package: str) -> None:
    wrong = defaultdict(list)
    for name, file in MODULES.items():
        if name.partition(".")[0] == package:
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    text = ast.get_docstring(node) or ""
                    if BEGINNINGS.match(text):
                        wrong[name].append(text.splitlines()[0])
    assert dict(wrong) == {}
