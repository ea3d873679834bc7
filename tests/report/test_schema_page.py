from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from contract_versions import version

from streaming.contracts import load_contract
from streaming.errors import SetupError
from streaming.report.schema_page import render_schema, write_schema

INT = {"type": "integer", "minimum": 0, "maximum": 9}


def test_the_page_has_fields_words_example_and_history() -> None:
    first = version(1, {"n": INT})
    words = {"x-unit": "months", "x-owner": "crm team", "x-sensitivity": "personal", "x-default": 4, "description": "How long."}
    second = version(2, {"n": INT, "m": {**INT, **words}, "more": INT}, dependentRequired={"n": ["m"]})
    page = render_schema([first, second])
    for text in ("How long.", "integer in months", "crm team", "personal data", "default 4", "maximum 9", "v1 → v2", "old producers"):
        assert text in page
    assert "&#34;n&#34;: 5" in page  # the example
    assert "dependentRequired" in page


def test_a_first_version_has_no_history() -> None:
    assert "This is the first version" in render_schema([load_contract(Path("schemas/customer_activity/v1.json"))])


def test_the_page_needs_no_network_and_runs_nothing() -> None:
    page = render_schema([load_contract(Path("schemas/customer_activity/v1.json"))])
    assert re.findall(r"<script|https?://|@import|url\(", page) == []


def test_what_a_schema_says_is_text() -> None:
    evil = "<script>alert(1)</script>"
    first = version(1, {"n": INT}, description=evil)
    second = version(2, {"n": {**INT, "description": evil, "x-unit": evil}, "s": {"type": "string", "enum": [evil]}}, description=evil)
    page = render_schema([first, second])
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="name another folder with --out"):
        write_schema([version(1, {"n": INT})], tmp_path / "file" / "thing.html")


def test_the_limits_inside_metadata_are_shown_by_place() -> None:
    inside = {"town": {"type": "string", "minLength": 1, "x-note": "no"}, "gone": False, "tags": {"items": {"enum": ["a"]}}}
    place = {"type": "object", "x-role": "metadata", "required": ["town"], "properties": inside}
    page = render_schema([version(1, {"place": place, "pair": {"x-role": "metadata", "prefixItems": [{"maximum": 3}], "items": False}})])
    assert [html.unescape(code) for code in re.findall(r"<code>(.*?)</code>", page)][-6:] == [
        'type "object", required ["town"]',
        '.town: type "string", minLength 1',
        ".gone: nothing is allowed",
        '.tags[]: enum ["a"]',
        "[0]: maximum 3",
        "[]: nothing is allowed",
    ]
