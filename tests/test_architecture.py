"""The source's shape: imports run downwards, files and functions are short, scripts load nothing heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import hpo

ROOT = Path(__file__).parents[1]
ORDER = (
    "errors",
    "package_name",
    "trial",
    "space",
    "sweepfile",
    "record",
    "tune",
    "engine",
    "review",
    "slurm",
    "cli",
)
"""A part may import from the parts before it, and from its own."""
RAY_PARTS = {"tune", "engine"}
TRIAL_EXTRAS = {
    ("hpo.trial.wandb_mirror", "wandb"): "only where the sweep's `hpo.wandb` asks for it",
    ("hpo.trial.wandb_bridge", "wandb"): "runs only once a script has imported the real wandb",
    (
        "hpo.trial.standin.wandb._config",
        "yaml",
    ): "a script's own YAML config file, read where PyYAML is there",
    (
        "hpo.trial.standin.wandb.integration.keras",
        "keras",
    ): "the callback's parent class, where keras is there",
    ("hpo.trial.standin.wandb.xgboost", "xgboost"): "the callback's parent class, where xgboost is there",
    ("hpo.trial.call", "cloudpickle"): "a training function arrives pickled; no other process needs it",
}
"""hpo/trial runs inside users' scripts: an import beyond the standard library stands here with its reason."""
EMPTY_NAMES = {"util", "utils", "helper", "helpers", "base", "manager", "common", "misc"}
LONGEST_FILE = 500
LONGEST_FUNCTION = 40


@dataclass(frozen=True)
class Import:
    """One import: who, the full dotted name, the line, and whether it runs when the module is loaded."""

    module: str
    target: str
    line: int
    at_load: bool

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}"


@cache
def modules() -> dict[str, Path]:
    """Dotted name → file of every module in hpo/."""
    found = {}
    for path in sorted((ROOT / "hpo").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(module: str) -> list[Import]:
    """Every import in a module, inside functions and under TYPE_CHECKING too."""
    package = module if modules()[module].name == "__init__.py" else module.rpartition(".")[0]
    found = []
    for node, at_load in _walk(tree(modules()[module]), True):
        found += [Import(module, name, node.lineno, at_load) for name in _targets(node, package)]
    return found


def _walk(node: ast.AST, at_load: bool) -> Iterator[tuple[ast.stmt | ast.expr, bool]]:
    for child in ast.iter_child_nodes(node):
        inside = at_load and not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            inside = False
        if isinstance(child, (ast.stmt, ast.expr)):
            yield child, inside
        yield from _walk(child, inside)


def _targets(node: ast.AST, package: str) -> list[str]:
    """The modules that a statement loads; a name from a package is a module where there is one."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        source = ".".join([*above, *([node.module] if node.module else [])])
        return [_home(source, alias.name) for alias in node.names]
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("hpo."):
        path = modules().get(node.value)  # loaded by name: a table, `python -m`; a package may be a key, too
        return [node.value] if path and path.name != "__init__.py" else []
    return []


def _home(source: str, name: str) -> str:
    if source == "hpo" and name in hpo._HOMES:
        return hpo._HOMES[name]
    return f"{source}.{name}" if f"{source}.{name}" in modules() else source


def part(module: str) -> str:
    """hpo.sweepfile.load → sweep; the package itself → ''."""
    return module.split(".")[1] if "." in module else ""


def sources() -> list[Path]:
    """Every Python file of the project."""
    return [path for folder in ("hpo", "tests", "configs") for path in sorted((ROOT / folder).rglob("*.py"))]


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and length of each function: its lines without decorators and docstring."""
    for node in ast.walk(tree(path)):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        assert node.end_lineno is not None
        length = node.end_lineno - node.lineno + 1
        if ast.get_docstring(node) is not None:
            text = node.body[0]
            assert text.end_lineno is not None
            length -= text.end_lineno - text.lineno + 1
        yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", length


def test_the_reader_sees_every_kind_of_import() -> None:
    code = (
        "import a.b\ndef f():\n    from ..errors import X\n    from hpo import run\nRUN = ['hpo.engine.run']"
    )
    found = {target for node, _ in _walk(ast.parse(code), True) for target in _targets(node, "hpo.sweep")}
    assert found == {"a.b", "hpo.errors", hpo._HOMES["run"], "hpo.engine.run"}


def test_every_part_has_its_place_in_the_order() -> None:
    assert {part(module) for module in modules()} - {"", "__main__"} <= set(ORDER)


def test_imports_run_downwards() -> None:
    upward = [
        str(one)
        for module in modules()
        if part(module) in ORDER
        for one in imports(module)
        if part(one.target) in ORDER and one.target.startswith("hpo.")
        if ORDER.index(part(one.target)) > ORDER.index(part(module))
    ]
    assert upward == []


def test_no_circles_when_modules_load() -> None:
    graph = {
        module: {one.target for one in imports(module) if one.at_load and one.target in modules()} - {module}
        for module in modules()
        if module != "hpo"  # loads nothing: test_import_hpo_is_light
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def test_ray_stays_where_it_belongs() -> None:
    found = [
        str(one)
        for module in modules()
        for one in imports(module)
        if one.target.split(".")[0] == "ray" and part(module) not in RAY_PARTS
    ]
    assert found == []


def test_trial_needs_the_standard_library_alone() -> None:
    found = [
        str(one)
        for module in modules()
        if part(module) == "trial"
        for one in imports(module)
        if not one.target.startswith("hpo.trial")
        if one.target.split(".")[0] not in sys.stdlib_module_names
        if (module, one.target.split(".")[0]) not in TRIAL_EXTRAS
    ]
    assert found == []


def test_files_are_short() -> None:
    lengths = {str(p.relative_to(ROOT)): len(p.read_text(encoding="utf-8").splitlines()) for p in sources()}
    assert {name: n for name, n in lengths.items() if n >= LONGEST_FILE} == {}


def test_functions_are_short() -> None:
    assert [
        (n, lines) for path in sources() for n, lines in functions(path) if lines >= LONGEST_FUNCTION
    ] == []


def test_names_say_something() -> None:
    named = {module for module in modules() if EMPTY_NAMES & set(module.split(".")[-1].split("_"))}
    assert {module for module in named if ".standin.wandb." not in module} == set()  # those names are W&B's


def loaded_by(*arguments: str) -> set[str]:
    """Top-level packages that `python ARGUMENTS` loads."""
    command = [sys.executable, "-X", "importtime", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    lines = done.stderr.splitlines()
    timed = [line for line in lines if line.startswith("import time:")]
    assert done.returncode == 0, "\n".join(line for line in lines if line not in timed)
    return {line.rpartition("|")[2].strip().split(".")[0] for line in timed}


HEAVY = {"ray", "torch", "optuna", "scipy", "pandas", "tensorboard", "wandb", "sklearn"}


def test_import_hpo_is_light() -> None:
    assert loaded_by("-c", "import hpo") & (HEAVY | {"numpy", "pydantic", "yaml", "typer"}) == set()


def test_hpo_report_is_light() -> None:
    code = "import hpo; hpo.report; hpo.config"
    assert loaded_by("-c", code) & (HEAVY | {"numpy", "pydantic", "yaml", "typer"}) == set()


@pytest.mark.parametrize("name", ["random", "grid", "bayes", "bayes-hyperband"])
def test_check_loads_neither_ray_nor_torch(name: str) -> None:
    loaded = loaded_by("-m", "hpo", "check", f"configs/digits/{name}.yaml")
    assert "hpo" in loaded
    assert loaded & HEAVY == set()
