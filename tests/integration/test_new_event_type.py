"""docs/contracts.md, "A new event type, from a CSV to a running stream", followed word for word in a fresh copy of the tree."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from service import select, wait_until
from test_readme import Terminals

from streaming.config import load_settings

DOCS = Path(__file__).parents[2] / "docs" / "contracts.md"
SECTION = DOCS.read_text(encoding="utf-8").split("## A new event type")[1].split("\n## ")[0]
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(bash|python|text)\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)
VARYING = r"20\d\d-\d\d-\d\d \d\d:\d\d|credit/\d/\d+"

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[Terminals]:
    found = Terminals(tmp_path / "clone")
    yield found
    found.run("scoring down")
    found.close()


def lines(text: str) -> list[str]:
    """What stands in a text, whatever its spaces, times and places are."""
    return [" ".join(re.sub(VARYING, "…", line).split()) for line in text.splitlines() if line.strip()]


def judged(terminals: Terminals) -> None:
    """Wait until the good applications are predicted and the bad one is rejected, and see what the store holds of them."""
    settings = load_settings(terminals.folder / "conf" / "credit.toml")

    def predictions() -> int:
        return int(select(settings, "SELECT count(*) FROM prediction WHERE deployment = 'credit_default'")[0][0])

    wait_until("every application has a prediction", lambda: predictions() >= 500)
    wait_until("the bad one is rejected", lambda: "branch-7" in terminals.run("scoring rejected list --config conf/credit.toml"))
    assert predictions() == 500
    assert select(settings, "SELECT count(DISTINCT score) > 50, min(score) >= 0, max(score) <= 1 FROM prediction") == [(True, True, True)]


def test_word_for_word(terminals: Terminals) -> None:
    printed, told = "", ""
    for kind, text in BLOCKS:
        if text.startswith("scoring run "):
            terminals.start(text.strip())
        elif kind == "text":
            assert lines(text) == lines(printed)
        else:
            if text.startswith("scoring rejected list"):
                judged(terminals)
            elif text.startswith("scoring down"):
                terminals.end_jobs()
            (terminals.folder / "block.py").write_text(text if kind == "python" else "")
            printed = terminals.run(f"{sys.executable} block.py" if kind == "python" else f"set -e\n{text}")
            told += printed
    assert "credit_default version 1" in told
    assert "stopped kafka, postgres" in printed
    schema = json.loads((terminals.folder / "schemas" / "credit" / "v1.json").read_text())
    assert (schema["properties"]["amount"]["minimum"], schema["properties"]["amount"]["maximum"]) == (100, 100_000)
    assert "defaulted" in (terminals.folder / "var" / "schema_docs" / "credit.html").read_text()
