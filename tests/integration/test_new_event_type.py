"""docs/contracts.md, "A new event type, from a CSV to a running stream", followed word for word in a fresh copy of the tree."""

from __future__ import annotations

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
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(bash|python)\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[Terminals]:
    found = Terminals(tmp_path / "clone")
    yield found
    found.run("scoring down")
    found.close()


def test_word_for_word(terminals: Terminals) -> None:
    printed = {}
    for kind, text in BLOCKS:
        if text.startswith("scoring run "):
            terminals.start(text.strip())
        elif kind == "python":
            (terminals.folder / "send.py").write_text(text)
            terminals.run(f"{sys.executable} send.py")
        else:
            printed[text] = terminals.run(f"set -e\n{text}")
    settings = load_settings(terminals.folder / "conf" / "credit.toml")

    def predictions() -> int:
        return int(select(settings, "SELECT count(*) FROM prediction WHERE deployment = 'credit_default'")[0][0])

    wait_until("every application has a prediction", lambda: predictions() >= 500)
    assert predictions() == 500
    assert select(settings, "SELECT count(DISTINCT score) > 50, min(score) >= 0, max(score) <= 1 FROM prediction") == [(True, True, True)]
    told = "".join(printed.values())
    assert "17 fields in schemas/credit/v1.json" in told
    assert "credit/v1.json: draft" in told
    assert "published credit/1" in told
    assert "credit_default version 1" in told
    assert "defaulted" in (terminals.folder / "var" / "schema_docs" / "credit.html").read_text()
