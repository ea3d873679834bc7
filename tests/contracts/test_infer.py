from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streaming.contracts import Contract
from streaming.contracts.infer import Form, Roles, infer
from streaming.contracts.schema import parse_contract
from streaming.contracts.statistics.column import Block
from streaming.contracts.statistics.parse import block_of_rows
from streaming.contracts.statistics.source import DataError, read_blocks
from streaming.contracts.validator import compiled

CREDIT = Path("examples/credit/applications.csv")
FORMS: dict[str, Form] = {"csv": "csv", "jsonl": "events", "parquet": "table"}
ROLES = Roles(entity="applicant_id", event_time="submitted_at", event_id="application_id", target="defaulted", positive="yes")


def properties(*rows: dict[str, Any], roles: Roles | None = None) -> dict[str, Any]:
    found = infer([block_of_rows(list(rows) * 5)], "thing", roles or Roles(), form="events")
    return {name: {k: v for k, v in spec.items() if k != "$comment"} for name, spec in found["properties"].items()}


def contract(document: dict[str, Any]) -> Contract:
    return parse_contract(document, "thing", 1, "thing v1")


def test_types_and_closed_lists() -> None:
    found = properties({"n": 1.5, "i": 10**6, "s": "a", "b": True, "o": {"x": 1}, "m": 1}, {"n": 2, "i": 3, "s": "b", "b": False, "m": "x"})
    assert found["n"] == {"type": "number", "minimum": 0.0, "maximum": 2.1, "x-role": "feature"}
    assert found["s"] == {"type": "string", "enum": ["a", "b"], "x-role": "feature"}
    assert found["i"] == {"type": "integer", "enum": [3, 10**6], "x-role": "feature"}
    assert found["b"] == {"type": "boolean", "x-role": "feature"}
    assert found["o"] == {"type": "object", "x-role": "metadata"}
    assert found["m"] == {"type": ["integer", "string"], "x-role": "metadata"}


def test_ranges_have_room_and_lengths_too() -> None:
    found = properties(*({"i": i, "t": "x" * (i + 1), "minus": -i - 100} for i in range(30)))
    assert (found["i"]["minimum"], found["i"]["maximum"]) == (0, 35)
    assert (found["minus"]["minimum"], found["minus"]["maximum"]) == (-140, 0)
    assert found["t"] == {"type": "string", "maxLength": 64, "x-role": "feature"}


def test_null_and_absent_differ_in_events() -> None:
    document = infer([block_of_rows([{"a": 1, "b": 1}, {"a": None}] * 30)], "thing", Roles(), form="events")
    assert document["required"] == ["a"]
    assert document["properties"]["a"]["type"] == ["integer", "null"]
    assert document["properties"]["b"]["type"] == "integer"


def test_an_empty_cell_may_be_null_or_absent() -> None:
    document = infer([block_of_rows([{"a": 1}, {"a": None}] * 30)], "thing", Roles(), form="csv")
    assert (document["required"], document["properties"]["a"]["type"]) == ([], ["integer", "null"])


def test_formats() -> None:
    found = properties(*({"d": f"2026-01-{i + 1:02}", "t": f"2026-01-01T00:00:{i:02}Z", "no": f"2026-01-{i + 1:02}!"} for i in range(28)))
    assert (found["d"]["format"], found["t"]["format"], "format" in found["no"]) == ("date", "date-time", False)


@pytest.mark.parametrize(
    ("text", "format_"),
    [("2026-02-28", "date"), ("2026-02-30", None), ("2026-01-01T00:00:59Z", "date-time"), ("2026-01-01T00:00:60Z", None)],
)
def test_what_looks_like_a_date_or_time_and_is_none_is_a_text(text: str, format_: str | None) -> None:
    rows: list[dict[str, Any]] = [{"d": value} for value in (text, *(f"2026-01-{i:02}{text[10:]}" for i in range(1, 29)))]
    spec = properties(*rows)["d"]
    assert (spec["type"], spec.get("format")) == ("string", format_)
    assert [row["d"] for row in rows if not compiled(spec).is_valid(row["d"])] == []


def test_each_guess_is_marked_for_review() -> None:
    document = infer(read_blocks(CREDIT), "credit", ROLES, form="csv")
    assert all(spec["$comment"].startswith("review: ") for spec in [document, *document["properties"].values()])


def test_candidates_are_named_until_they_are_chosen() -> None:
    comment = infer(read_blocks(CREDIT), "credit", Roles(), form="csv")["$comment"]
    assert comment.endswith("candidates for --entity: applicant_id, application_id; --event-time: submitted_at; --event-id: application_id")
    assert "candidates" not in infer(read_blocks(CREDIT), "credit", ROLES, form="csv")["$comment"]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_it_is_a_contract_that_allows_the_data_it_came_from(kind: str, tmp_path: Path) -> None:
    rows = _credit()
    file = tmp_path / f"credit.{kind}"
    if kind == "csv":
        file = CREDIT
    elif kind == "jsonl":
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        pq.write_table(pa.Table.from_pylist(rows), file)
    document = infer(read_blocks(file), "credit", ROLES, form=FORMS[kind])
    found = contract(document)
    assert (found.entity, found.event_id, found.event_time) == ("applicant_id", "application_id", "submitted_at")
    assert found.target == {"field": "defaulted", "enum": ["no", "yes"], "positive": "yes"}
    serving = [{name: value for name, value in row.items() if name != "defaulted"} for row in rows[:500]]
    assert [reason for row in serving for reason in found.check(json.dumps(row).encode())] == []


def _credit() -> list[dict[str, Any]]:
    texts = [dict(zip(*pair, strict=True)) for pair in _lines()]
    numbers = ("amount", "term_months", "monthly_income", "years_in_job", "bureau_score", "late_payments", "open_lines", "utilisation")
    return [
        {name: json.loads(text) if name in numbers or name == "co_applicant" else text for name, text in row.items() if text != ""}
        for row in texts
    ]


def _lines() -> Iterator[tuple[list[str], list[str]]]:
    names, *lines = [line.split(",") for line in CREDIT.read_text().splitlines()]
    return ((names, line) for line in lines)


def test_blocks_are_read_one_at_a_time() -> None:
    held: list[int] = []

    def blocks() -> Iterator[Block]:
        for i in range(50):
            held.append(i)
            yield block_of_rows([{"i": i * 100 + j} for j in range(100)])

    document = infer(blocks(), "thing", Roles(), form="events")
    assert (len(held), document["properties"]["i"]["maximum"]) == (50, 6000)


def test_a_field_that_comes_late_is_optional() -> None:
    blocks = [block_of_rows([{"a": 1}] * 10), block_of_rows([{"a": 1, "b": "x"}] * 10)]
    assert infer(blocks, "thing", Roles(), form="events")["required"] == ["a"]


def test_what_is_named_must_be_there() -> None:
    with pytest.raises(DataError, match="no field 'who' in the data; there are a"):
        infer([block_of_rows([{"a": 1}])], "thing", Roles(entity="who"), form="events")
    with pytest.raises(DataError, match="no row"):
        infer([], "thing", Roles(), form="events")
