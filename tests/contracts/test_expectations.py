"""The suite of Great Expectations and the contract's own check give the same verdict on the same rows."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mixed_contract import MIXED

from streaming.contracts import Contract, load_contract
from streaming.contracts.expectation_run import ExpectationReport, run_expectations
from streaming.contracts.expectations import TYPE, UNKNOWN, expected_of, inexpressible, prepare_rows, prepare_table, suite_name
from streaming.contracts.expected_frame import read_frame
from streaming.contracts.reasons import ENVELOPE_RULES, JSON_RULES
from streaming.contracts.schema import parse_contract
from streaming.contracts.statistics import describe
from streaming.contracts.statistics.against_contract import against_contract
from streaming.contracts.statistics.parse import block_of_rows
from streaming.local.telco import event_fields, load_telco

pytestmark = pytest.mark.slow

TELCO = Path("examples/churn/telco_churn.csv")
CONTRACT = load_contract(Path("schemas/customer_activity/v1.json"))
TRAINING = load_contract(Path("schemas/customer_activity/v1.json"), "training")
BOTH_KNOW = {"type", "required", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength"}
MIXED_VALUES: dict[str, list[Any]] = {
    "at": ["2026-01-02T00:00:00Z", 1, None, ...],
    "who": ["a", "", "abcdef", "é" * 5, "日本語", None, 3, ...],
    "n": [-9, -8, 11, 12, 3.0, 3.5, "3", True, None, ...],
    "share": [0, 1e-300, 0.5, 1, 1.0000001, "x", None, ...],
    "flag": [True, False, 1, "true", None, ...],
    "half": [0.5, 1, 1.0, 2, "1", None, ...],
    "code": ["12", "1", "123", "", None, ...],
    "id": ["12345678-1234-1234-1234-123456789ABC", "12345678123412341234123456789abc", "", None, ...],
    "step": [0.25, 0.3, None, ...],
    "tags": [["a"], [1], [], "a", None, ...],
}


def suite(frame: pd.DataFrame, contract: Contract, **options: Any) -> ExpectationReport:
    return run_expectations(frame, expected_of(contract, **options), suite_name(contract))


def ours(rows: list[dict[str, Any]], contract: Contract, rules: set[str]) -> dict[int, set[tuple[str, str]]]:
    """Row → what the contract rejects it for in a batch, as far as both know the rule."""
    found = {}
    events = pa.array([json.dumps(row).encode() for row in rows], pa.binary())
    for place, told in contract.decode(events).rejected.items():
        reasons = {(reason.path, reason.rule) for reason in told if reason.rule in rules}
        reasons = {(path, rule) for path, rule in reasons if path.count("/") < 2}  # what is inside lists is not told
        wrong_type = {path for path, rule in reasons if rule == "type"}
        # A value of another type breaks the type and nothing else there; here it breaks enum and const as well.
        if kept := {(path, rule) for path, rule in reasons if rule == "type" or path not in wrong_type}:
            found[place] = kept
    return found


def theirs(report: ExpectationReport, rules: set[str]) -> dict[int, set[tuple[str, str]]]:
    found = {row: {(path, rule) for path, rule in broken if rule in rules} for row, broken in report.rejected.items()}
    return {row: broken for row, broken in found.items() if broken}


def required_as_ours(found: dict[int, set[tuple[str, str]]]) -> dict[int, set[tuple[str, str]]]:
    """A missing field is told at the event's own path by the check, and at the field's by the suite."""
    return {row: {("", "required") if rule == "required" else (path, rule) for path, rule in broken} for row, broken in found.items()}


def assert_agree(rows: list[dict[str, Any]], contract: Contract, rules: set[str]) -> dict[int, set[tuple[str, str]]]:
    report = suite(prepare_rows(rows, contract), contract)
    expected = required_as_ours(ours(rows, contract, rules))
    assert required_as_ours(theirs(report, rules)) == expected
    return expected


def test_telco_with_injected_faults() -> None:
    chance = random.Random(3)
    customers = event_fields(load_telco(TELCO))[:700]
    rows = [
        {"event_id": f"{i:08x}-0000-4000-8000-000000000000", "event_time": "2026-01-02T00:00:00Z", **row} for i, row in enumerate(customers)
    ]
    faults: list[Callable[[dict[str, Any]], Any]] = [
        lambda row: row.update(tenure=-1),
        lambda row: row.update(tenure=151),
        lambda row: row.update(tenure="12"),
        lambda row: row.update(tenure=1.5),
        lambda row: row.update(contract="Weekly"),
        lambda row: row.update(contract=None),
        lambda row: row.update(female=True),
        lambda row: row.update(female=2),
        lambda row: row.pop("monthly_charges"),
        lambda row: row.update(monthly_charges=1e9),
        lambda row: row.update(total_charges=-0.01),
        lambda row: row.update(customer_id=""),
        lambda row: row.update(customer_id="c" * 65),
        lambda row: row.update(event_id="no-uuid"),
    ]
    for row in chance.sample(rows, 200):
        chance.choice(faults)(row)
    rejected = assert_agree(rows, CONTRACT, BOTH_KNOW | {"format"})
    assert len(rejected) == 200


def test_every_keyword_of_a_mixed_contract() -> None:
    contract = parse_contract(MIXED, "mixed", 1, "mixed")
    good = {name: values[0] for name, values in MIXED_VALUES.items() if name not in ("who", "n")} | {"who": "a", "n": 0, "share": 0.5}
    rows = [{**good, name: value} for name, values in MIXED_VALUES.items() for value in values]
    rows = [{name: value for name, value in row.items() if value is not ...} for row in rows]
    rejected = assert_agree(rows, contract, BOTH_KNOW | {"pattern"})
    rules = {rule for broken in rejected.values() for _, rule in broken}
    assert rules == (BOTH_KNOW | {"pattern"}) - {"minimum"}


def test_the_corpus() -> None:
    cases = [json.loads(line) for line in Path("tests/corpus/customer_activity.jsonl").read_text(encoding="utf-8").splitlines()]
    known = {field.name for field in CONTRACT.fields}
    rows = []
    for case in cases:
        value = case["value"].encode("latin-1")
        if {reason.rule for reason in CONTRACT.check(value)} & (JSON_RULES | ENVELOPE_RULES | {"additionalProperties"}):
            continue  # bytes that are no row of known fields
        event = json.loads(value)
        if isinstance(event, dict):
            assert event.keys() <= known
            rows.append(event)
    assert len(rows) > 50
    assert len(assert_agree(rows, CONTRACT, BOTH_KNOW)) > 30


def test_the_training_table_keeps_its_contract() -> None:
    frame = prepare_table(load_telco(TELCO).reset_index(drop=True), TRAINING, metadata=False)
    report = suite(frame, TRAINING, metadata=False)
    assert report.success and report.rows == 7043
    frame, unreadable = read_frame(TELCO, TRAINING, metadata=False)
    assert unreadable == 0
    assert suite(frame, TRAINING, metadata=False).outcomes == report.outcomes


def test_tables_and_statistics_agree_on_what_is_wrong() -> None:
    table = load_telco(TELCO).reset_index(drop=True).head(500)
    table["contract"] = table["contract"].where(table.index % 7 > 0, "Weekly")
    table["tenure"] = table["tenure"].where(table.index % 11 > 0, 500)
    report = suite(prepare_table(table, TRAINING, metadata=False), TRAINING, metadata=False)
    failed = {outcome.path: outcome.failed for outcome in report.outcomes if not outcome.success}
    rows = json.loads(table.to_json(orient="records"))
    anomalies = {f"/{one.field}": one.rows for one in against_contract(describe([block_of_rows(rows)]), TRAINING, metadata=False)}
    assert failed == {"/contract": 72, "/tenure": 46}
    assert anomalies == pytest.approx(failed, rel=0.1)


def test_a_row_with_a_field_that_nobody_knows_is_named() -> None:
    good = {"who": "a", "n": 1, "at": "2026-01-02T00:00:00Z"}
    rows = [good, good | {"stray": 1, "more": None}, good, good | {"stray": 2}]
    contract = parse_contract(MIXED, "mixed", 1, "mixed")
    frame = prepare_rows(rows, contract)
    assert frame[UNKNOWN].tolist() == [None, "more, stray", None, "stray"]
    report = suite(frame, contract)
    assert report.rejected == {1: [("", "additionalProperties")], 3: [("", "additionalProperties")]}
    assert sorted(report.rejected) == sorted(ours(rows, contract, {"additionalProperties"}))


def test_null_and_absent_differ_in_rows_and_not_in_tables() -> None:
    contract = parse_contract(MIXED, "mixed", 1, "mixed")
    frame = prepare_rows([{"n": None}, {}], contract)
    assert frame[f"n{TYPE}"].tolist() == ["null", "absent"]
    table = prepare_table(pd.DataFrame({"n": [1.0, None], "half": [0.5, None]}), contract)
    assert table[f"n{TYPE}"].tolist() == ["integer", "null"], "required, so an empty cell is a null"
    assert table[f"half{TYPE}"].tolist() == ["number", "absent"], "optional, so an empty cell is nothing"


def test_what_great_expectations_cannot_express_is_named() -> None:
    contract = parse_contract(MIXED, "mixed", 1, "mixed")
    assert inexpressible(contract) == {"at": ["format"], "step": ["multipleOf"], "tags": ["items"], "": ["dependentRequired"]}
    assert inexpressible(CONTRACT) == {"event_time": ["format"]}
    assert inexpressible(TRAINING, metadata=False) == {}


def test_no_rows_break_nothing_and_are_no_success() -> None:
    contract = parse_contract(MIXED, "mixed", 1, "mixed")
    report = suite(prepare_rows([], contract), contract)
    assert (report.rows, report.success, report.rejected) == (0, False, {})


def test_what_is_unreadable_or_refused_is_no_success() -> None:
    contract = parse_contract(MIXED, "mixed", 1, "mixed")
    frame = prepare_rows([{"who": "a", "n": 1, "at": "2026-01-02T00:00:00Z"}], contract)
    expected = expected_of(contract)
    assert run_expectations(frame, expected, "s").success
    unreadable, refused = run_expectations(frame, expected, "s", unreadable=2), run_expectations(frame, expected, "s", refused={"json": 2})
    assert (unreadable.success, unreadable.unreadable, unreadable.rejected) == (False, 2, {})
    assert (refused.success, refused.refused, refused.rejected) == (False, {"json": 2}, {})


def test_lines_become_rows(tmp_path: Path) -> None:
    contract = parse_contract(MIXED, "mixed", 1, "mixed")
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b'{"n": 1, "tags": []}\nrubbish\n{"n": 1.5, "at": "2026-01-02T00:00:00Z", "flag": true}\n')
    frame, unreadable = read_frame(file, contract)
    assert unreadable == 1
    assert frame[f"n{TYPE}"].tolist() == ["integer", "number"]
    assert frame["n"].tolist() == [1, None]
    assert frame[f"at{TYPE}"].tolist() == ["absent", "string"]
    assert frame["flag"].tolist() == [None, True]
    assert frame[f"tags{TYPE}"].tolist() == ["array", "absent"]


@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_times_and_bytes_of_a_table_are_what_the_contract_takes_them_for(tmp_path: Path, zone: str | None) -> None:
    at: dict[str, Any] = {"type": "string", "format": "date-time", "minLength": 20, "maxLength": 40}
    contract = parse_contract(MIXED | {"properties": MIXED["properties"] | {"at": at}}, "mixed", 1, "mixed")
    moments = pa.array([1_767_225_600_123_456_789, None], pa.timestamp("ns", tz=zone))
    table = pa.table({"who": [b"a", b"b"], "n": [1, 2], "at": moments})
    file = tmp_path / "rows.parquet"
    pq.write_table(table, file)
    frame, _ = read_frame(file, contract)
    assert frame["at"].tolist() == ["2026-01-01T00:00:00.123456Z", None]
    assert frame[f"at{TYPE}"].tolist() == ["string", "null"], "required, so an empty cell is a null"
    assert frame[f"who{TYPE}"].tolist() == ["binary", "binary"], "bytes are no text"
    report = suite(frame, contract)
    assert report.rejected == {0: [("/who", "type")], 1: [("/at", "type"), ("/who", "type")]}
    prepared = prepare_table(table.to_pandas(), contract)
    assert [str(value)[:23] for value in prepared["at"]] == ["2026-01-01T00:00:00.123", "None"]
    assert prepared[f"who{TYPE}"].tolist() == ["binary", "binary"]
