"""docs/incident.md, played word for word in a fresh copy of the tree: what it prints is what the page says."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from service import select, wait_until
from test_readme import Terminals

from streaming.config import load_settings

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "incident.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(bash|python|text)\n(.*?)^```$", DOCS, re.MULTILINE | re.DOTALL)
VARYING = r"20\d\d-\d\d-\d\d \d\d:\d\d|customer_activity/\d/\d+|[0-9a-f]{8,}|\d+\.\d+ s"

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[Terminals]:
    found = Terminals(tmp_path / "clone")
    yield found
    found.run("scoring down")
    found.close()


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by name."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def lines(text: str) -> list[str]:
    """What stands in a text, whatever its spaces, times, places and names of runs are."""
    return [" ".join(re.sub(VARYING, "…", line).split()) for line in text.splitlines() if line.strip()]


def settled(terminals: Terminals, events: int) -> list[tuple[str, int]]:
    """Wait until so many events are predicted and the others rejected; returns the number of predictions of each event."""
    settings = load_settings(terminals.folder / "conf" / "local.toml")

    def predicted() -> list[tuple[str, int]]:
        return select(settings, "SELECT event_id, count(*) FROM prediction GROUP BY event_id")  # type: ignore[return-value]

    wait_until(f"{events} are predicted", lambda: len(predicted()) == events)
    wait_until("the rejections are readable", lambda: "300 events" in terminals.run("scoring rejected list"))
    return predicted()


def test_word_for_word(terminals: Terminals) -> None:
    printed = ""
    predicted: list[tuple[str, int]] = []
    for kind, text in BLOCKS:
        if text.startswith("scoring run "):
            terminals.end_jobs()
            terminals.start(text.strip())
        elif kind == "python":
            (terminals.folder / "block.py").write_text(text)
            printed = terminals.run(f"{sys.executable} block.py")
        elif kind == "text":
            assert lines(text) == lines(printed)
        else:
            if text == "scoring rejected list\n":
                predicted = settled(terminals, 600 if predicted else 300)
            elif "scoring down" in text:
                terminals.end_jobs()
            printed = terminals.run(f"set -e\n{text}")
    assert len(predicted) == 600
    assert {count for _, count in predicted} == {1}
    for changed in ("schemas", "conf"):
        assert files(terminals.folder / changed) == files(ROOT / changed), "back to where it began"
    assert not (terminals.folder / "var").exists()
