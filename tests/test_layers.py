"""The import layers of the library, and what the tree must not hold."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LIBRARY = ROOT / "streaming"
LAYERS = (
    {"errors", "records", "config", "settings", "logs", "tls_probe"},
    {"contracts", "metrics"},
    {"models", "truth", "drift"},
    {"steps", "sinks"},
    {"pipeline", "udf", "producer", "replay", "report", "local", "testing"}
    | {"delivery", "kafka", "micro_batch", "patience", "schema_server", "service", "settings_table"},
    {"cli"},
)
BELOW_PIPELINE = set().union(*LAYERS[:4])
# Spark ML formats read Spark's own models; the layer's rule makes room for them.
MAY_KNOW_SPARK = {"models/formats/spark_ml.py"}
FILES = sorted(LIBRARY.rglob("*.py"))
JOBS = sorted((ROOT / "jobs").glob("*.py"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def part(path: Path) -> str:
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


def layer(part_name: str) -> int:
    return next(i for i, parts in enumerate(LAYERS) if part_name in parts)


def modules(tree: ast.AST) -> Iterator[str]:
    """Every module that a file imports, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "streaming":
                yield from (f"streaming.{alias.name}" for alias in node.names)


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", [p for p in FILES if part(p) != "__init__"], ids=name)
def test_a_file_imports_only_from_its_layer_and_below(path: Path) -> None:
    ours = [module.split(".")[1] for module in modules(parse(path)) if module.startswith("streaming.")]
    above = sorted({module for module in ours if layer(module) > layer(part(path))})
    assert above == [], f"{name(path)} reaches up to {above}"


@pytest.mark.parametrize("path", [p for p in FILES if part(p) in BELOW_PIPELINE], ids=name)
def test_below_the_pipeline_nobody_knows_spark(path: Path) -> None:
    if path.relative_to(LIBRARY).as_posix() not in MAY_KNOW_SPARK:
        assert [module for module in modules(parse(path)) if module.split(".")[0] in {"pyspark", "py4j"}] == []


@pytest.mark.parametrize("path", JOBS, ids=name)
def test_a_job_has_at_most_thirty_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 30


@pytest.mark.parametrize("path", [*FILES, *JOBS], ids=name)
def test_nobody_prints_or_swallows_everything(path: Path) -> None:
    tree = parse(path)
    prints = [n.lineno for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "print"]
    handlers = [n for n in ast.walk(tree) if isinstance(n, ast.ExceptHandler)]
    broad = [n.lineno for n in handlers if n.type is None or (isinstance(n.type, ast.Name) and n.type.id in {"Exception", "BaseException"})]
    assert (prints, broad) == ([], []), "lines that print; lines that catch everything"


def test_every_part_has_a_layer() -> None:
    known = set().union(*LAYERS)
    assert {part(path) for path in FILES} - {"__init__"} <= known


def test_no_tracked_file_names_a_registry_or_this_machine() -> None:
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    hosts = re.compile(r"pypi\.org|pythonhosted|repo1?\.maven|repo\.maven|registry\.npm|/root/|index-url")
    found = []
    for path in (ROOT / line for line in listed.splitlines()):
        if path == Path(__file__) or not path.is_file() or path.stat().st_size > 1_000_000:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{name(path)}: {match[0]}" for match in hosts.finditer(text)]
    assert found == []
