"""The page of rejected events: whole, escaped, and true to the groups."""

from __future__ import annotations

import re
import shlex
from html import unescape
from pathlib import Path

import pytest
from rejections import a_rejection

from streaming.errors import SetupError
from streaming.replay.groups import grouped
from streaming.report.rejected_page import SHOWN_VALUES, render_rejected, write_rejected

EVIL = "<script>alert('x')</script> $(rm -rf ~); '"


def plain(page: str) -> str:
    """The page as a reader sees it, spaces folded."""
    return " ".join(unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)).split())


def test_each_cause_is_told_with_its_values_and_the_commands_that_mean_it() -> None:
    groups = grouped([*(a_rejection(n) for n in range(3)), a_rejection(7, producer="web", message="/a: type integer")], {("events", 0, 1)})
    told = plain(render_rejected("events", groups))
    assert "3 events without a prediction" in told
    assert "rejected 4 mended since 1 25 % of them causes 2 producers 2" in told
    assert '/contract: enum ["One year", "Two year"] 3 events, 75 % "Monthly" 3' in told
    assert "sent 2026-01-02 12:00 UTC to 2026-01-02 12:02 UTC producer crm-3 schema version 1 mended since 1" in told
    assert "scoring rejected show events/0/0" in told
    assert "scoring rejected replay --reason enum --path /contract --schema-version 1 --producer crm-3" in told


def test_what_a_producer_writes_does_nothing_in_the_page_nor_in_a_shell() -> None:
    page = render_rejected(EVIL, grouped([a_rejection(producer=EVIL, path=f"/{EVIL}", message=f"/{EVIL}: enum, found {EVIL}")]))
    assert "<script" not in page
    command = re.search(r"scoring rejected replay (.*?)</code>", page)
    assert command is not None
    assert shlex.split(unescape(command[1])) == ["--reason", "enum", "--path", f"/{EVIL}", "--schema-version", "1", "--producer", EVIL]


def test_a_place_in_a_list_is_no_filter() -> None:
    page = render_rejected("events", grouped([a_rejection(n, path=f"/items/{n}") for n in range(2)]))
    assert "replay --reason enum --schema-version" in page


def test_more_values_than_are_shown_are_counted() -> None:
    groups = grouped(a_rejection(n, message=f"/a: minimum 9, found {n}") for n in range(SHOWN_VALUES + 3))
    assert "3 other values." in plain(render_rejected("events", groups))


@pytest.mark.parametrize(("predicted", "told"), [(False, "Nothing is rejected"), (True, "All rejected events are mended")])
def test_a_service_without_rejections_says_so(predicted: bool, told: str, tmp_path: Path) -> None:
    groups = grouped([a_rejection()], {("events", 0, 0)}) if predicted else []
    write_rejected("events", groups, tmp_path / "new" / "page.html")
    page = (tmp_path / "new" / "page.html").read_text()
    assert told in plain(page)
    assert "http" not in page


def test_a_page_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="cannot be written"):
        write_rejected("events", [], tmp_path / "file" / "page.html")
