"""The data page: all that statistics tell, nothing that a stranger's data could do to it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from streaming.contracts.statistics import describe, read_blocks
from streaming.contracts.statistics.anomaly import Anomaly, Report
from streaming.contracts.statistics.document import Document, document_of
from streaming.contracts.statistics.parse import block_of_rows
from streaming.errors import SetupError
from streaming.report.data_page import QUANTILES, render_data, write_data
from streaming.report.wording import number

AT = "2026-01-02T03:04:05.000000Z"
TELCO = document_of(describe(read_blocks(Path("examples/churn/telco_churn.csv")), slices=["contract"]), "telco.csv", AT)
ANOMALY = Anomaly("tenure", "range", "highest 999", "maximum 150", 1234, 0.175, False, "send it", "make maximum 999")

SOUND = Report(7043, [], {})


def of_rows(rows: list[dict[str, Any]]) -> Document:
    return document_of(describe([block_of_rows(rows)]), "rows", AT)


class Checked(HTMLParser):
    """Opened and closed tags match; collects attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.classes: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        self.classes += [word for name, value in attrs if name == "class" for word in (value or "").split()]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_shows_every_field_pair_and_slice() -> None:
    page = render_data(TELCO)
    Checked(page)
    for name in TELCO.summary.fields:
        assert f'<h3 title="{name}">' in page
    for told in ("7,043 rows", "By contract", "Pearson&#39;s r", "Cramér&#39;s V", "tenure · total_charges", "Month-to-month"):
        assert told in page


def test_a_card_tells_all_that_was_counted_of_a_field() -> None:
    page = render_data(TELCO)
    numbers = TELCO.summary.fields["monthly_charges"].numbers
    assert numbers is not None
    for words, shares in QUANTILES:
        assert f"<dt>{words}</dt><dd>{', '.join(number(numbers.quantiles[share]) for share in shares)}</dd>" in page
    assert {share for _, shares in QUANTILES for share in shares} == set(numbers.quantiles) - {"0", "1"}
    assert "<dt>characters</dt><dd>8 to 14, mean 11.3</dd>" in page
    assert Checked(page).classes.count("tenths") == 3, "tenure and both charges"
    assert "monthly_charges, bins of equal counts: 18.2 to " in page


def test_what_is_beyond_a_limit_is_named() -> None:
    rows = [{"id": str(i), "plan": "ab"[i % 2]} for i in range(200)]
    page = render_data(document_of(describe([block_of_rows(rows)], slices=["id"]), "rows", AT))
    assert "Not sliced by id: more than 100 values, or personal." in page
    assert "Not associated: id: more than 30 values." in page
    crowded = render_data(of_rows([{f"f{i}": i for i in range(150)}]))
    assert "No correlation or association: more than 100 numeric or 40 textual fields." in crowded


def test_keywords_that_statistics_do_not_tell_are_named_and_nothing_more_is_claimed() -> None:
    page = render_data(TELCO, Report(7043, [], {"code": ["maxLength", "pattern"], "": ["allOf"]}, ["tenure"]))
    assert "The data fit what statistics tell of the contract." in page and "The data fit the contract" not in page
    assert "Not told by statistics: code: maxLength, pattern; the event: allOf." in page
    assert "Too few values to tell drift from chance: tenure." in page
    assert "The data fit the contract." in render_data(TELCO, SOUND)


def test_the_page_needs_no_network() -> None:
    assert re.findall(r"(?:src|href)=|url\(|@import|https?://", render_data(TELCO)) == []


def test_anomalies_come_first_with_both_ways_out() -> None:
    page = render_data(TELCO, Report(7043, [ANOMALY], {}))
    assert "<h1>1 anomaly</h1>" in page
    assert page.index("make maximum 999") < page.index("<h2>Fields</h2>")
    assert "(about 1,234 rows, 18 %)" in re.sub(r"\s+", " ", page)
    assert page.count('class="card bad"') == 1
    assert "<h1>No anomalies</h1>" in render_data(TELCO, SOUND)


def test_a_baseline_is_an_outline() -> None:
    assert 'class="outline"' not in render_data(TELCO)
    assert render_data(TELCO, SOUND, TELCO).count('class="outline"') == 3, "tenure and both charges"


def test_what_strangers_write_is_text() -> None:
    evil = "<script>alert(1)</script>"
    rows = [{evil: evil, 'a" onmouseover="alert(2)': i, "x": [evil], "y": {evil: 1}} for i in range(20)]
    statistics = describe([block_of_rows(rows)], slices=[evil])
    page = render_data(
        document_of(statistics, evil, AT), Report(20, [Anomaly(evil, "type", evil, evil, 1, 1.0, True, evil, evil)], {evil: [evil]}, [evil])
    )
    checked = Checked(page)
    assert "script" not in checked.tags
    assert [name for name in checked.attributes if name.startswith("on")] == []


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{}],
        [{"a": None}],
        [{"a": float("nan")}, {"a": float("inf")}],
        [{"a": 1e308}, {"a": -1e308}],
        [{"a": 5.5}] * 30,
        [{"a": "x" * 10_000, "b": ""}],
        [{"a": 1}, {"a": "x"}, {"a": [1, 2]}, {"a": True}],
        [{f"f{i}": i for i in range(150)}],
    ],
    ids=["nothing", "no fields", "null", "not finite", "huge", "one value", "long", "mixed", "many fields"],
)
def test_odd_data_have_a_page(rows: list[dict[str, Any]]) -> None:
    page = render_data(of_rows(rows), SOUND, of_rows(rows))
    Checked(page)
    assert "nan%" not in page and "inf%" not in page
    assert len(page) < 2_000_000


def test_values_of_a_person_are_not_on_the_page() -> None:
    rows = [{"name": "Ada Lovelace", "salary": 12345.5 + i} for i in range(50)]
    page = render_data(document_of(describe([block_of_rows(rows)], personal={"name", "salary"}), "rows", AT))
    assert "Lovelace" not in page
    assert "median" not in page and "tenths" not in Checked(page).classes


def test_a_page_is_written_whole_or_told(tmp_path: Path) -> None:
    out = tmp_path / "new" / "page.html"
    write_data(TELCO, out)
    assert [path.name for path in out.parent.iterdir()] == ["page.html"]
    with pytest.raises(SetupError, match="cannot be written"):
        write_data(TELCO, out / "below" / "a file.html")
