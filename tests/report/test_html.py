"""The report is one well-formed file that needs no network and shows what the records say."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from streaming.errors import SetupError
from streaming.metrics.records import Metrics, Record
from streaming.report.html import card, render, write
from streaming.report.story import Story, tell

VOID = {"meta", "path", "rect"}


class Outline(HTMLParser):
    """Collects open tags, attributes that load something, and text; a tag closed out of order fails the test."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.headings: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag and what it loads."""
        self.loads += [f"{tag} {name}" for name, _ in attrs if name in {"src", "href", "xlink:href", "action", "srcset"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """The tag closed must be the one opened last."""
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep headings."""
        if self.open and self.open[-1] in {"h1", "h2", "h3"}:
            self.headings.append(data)


def outline(page: str) -> Outline:
    """The page, parsed to its end."""
    parsed = Outline()
    parsed.feed(page)
    assert parsed.open == []
    return parsed


def test_it_is_well_formed_and_loads_nothing(story: Story) -> None:
    page = render(story)
    parsed = outline(page)
    assert parsed.loads == []
    assert not re.search(r"https?://|url\(|@import|<script", page)


def test_every_feature_has_a_card_the_most_drifted_first(story: Story) -> None:
    headings = outline(render(story)).headings
    assert headings[:5] == ["3 of 19 features drifted since 10:42:06", "Features", "monthly charges", "tenure", "contract"]
    assert headings[2 + 19 :] == [
        "The score",
        "score",
        "over time",
        "The service",
        "latency",
        "events per second",
        "Rejected events",
        "Alerts",
    ]


def test_figures_and_facts_are_there(story: Story) -> None:
    page = render(story)
    for fact in (
        f"{story.events:,}",
        f"{story.rejected:,}",
        "9f2c5d6e" * 8,
        "2026-05-04 09:12:44 UTC",
        "A category that the schema does not list",
    ):
        assert fact in page
    assert page.count("<article") == 19 + 2 + 2


def test_missing_values_are_told(story: Story) -> None:
    version = story.serving()
    assert version is not None
    assert [gap[0] for gap in card(story, version, "total_charges").gaps] == ["missing"]
    assert card(story, version, "contract").gaps == []


@pytest.mark.parametrize("told", [0, 1, 2, 3, 20])
def test_a_young_service_has_a_report_too(records: list[Record], told: int) -> None:
    story = Story()
    for record in records[:told]:
        tell(story, record)
    outline(render(story))


def test_without_a_reference_it_says_so(records: list[Record]) -> None:
    story = Story()
    for record in records[1:]:
        tell(story, record)
    assert "The reference has not been published yet." in render(story)


def test_names_from_outside_are_escaped(records: list[Record]) -> None:
    story = Story()
    batch = next(record for record in records if isinstance(record, Metrics))
    tell(story, msgspec.structs.replace(batch, rejected_by_reason={"<script>": 3}, deployment="<img src=x>"))
    assert outline(render(story)).loads == []


def test_it_is_written_whole(story: Story, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "report.html"
    write(story, out)
    assert out.read_text(encoding="utf-8").endswith("</html>")
    assert [file.name for file in out.parent.iterdir()] == ["report.html"]


def test_a_place_that_cannot_be_written_is_told_in_one_line(story: Story, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SetupError, match="--out") as caught:
        write(story, tmp_path / "file" / "report.html")
    assert "\n" not in str(caught.value)
