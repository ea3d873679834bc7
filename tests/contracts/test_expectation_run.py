"""What a run of a suite leaves: Data Docs, the suite as JSON, a record."""

from __future__ import annotations

import json
from pathlib import Path

import great_expectations as gx
import msgspec
import pytest
from mixed_contract import MIXED

from streaming.contracts import load_contract
from streaming.contracts.expectation_record import MOST_ANOMALIES, record_of
from streaming.contracts.expectation_run import run_expectations, suite_json
from streaming.contracts.expectations import expected_of, prepare_rows, suite_name
from streaming.contracts.schema import parse_contract
from streaming.contracts.statistics.anomaly import Anomaly
from streaming.errors import SetupError

pytestmark = pytest.mark.slow

CONTRACT = load_contract(Path("schemas/customer_activity/v1.json"))


def test_data_docs_are_built(tmp_path: Path) -> None:
    contract = parse_contract(MIXED, "mixed", 1, "mixed")
    frame = prepare_rows([{"who": "<script>alert(1)</script>", "n": 99, "at": "x", "<img src=x onerror=alert(2)>": 1}], contract)
    report = run_expectations(frame, expected_of(contract), "mixed_v1", tmp_path / "docs")
    assert Path(report.docs).is_file()
    pages = list((tmp_path / "docs" / "validations").rglob("*.html"))
    assert len(pages) == 1
    page = pages[0].read_text(encoding="utf-8")
    assert "<script>alert(1)" not in page and "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_personal_values_stay_out_of_the_docs_and_the_report(tmp_path: Path) -> None:
    about = {"who": {"type": "string", "maxLength": 5, "x-sensitivity": "personal"}, "code": MIXED["properties"]["code"]}
    contract = parse_contract(MIXED | {"properties": MIXED["properties"] | about}, "mixed", 1, "mixed")
    rows = [{"who": "jane.doe@example.org", "n": 1, "at": "2026-01-02T00:00:00Z", "code": "told-as-it-is"}] * 3
    report = run_expectations(prepare_rows(rows, contract), expected_of(contract), "mixed_v1", tmp_path / "docs")
    pages = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "docs").rglob("*.html"))
    assert "told-as-it-is" in pages, "values of other fields are shown"
    assert "jane.doe" not in pages and b"jane.doe" not in msgspec.json.encode(report)
    assert report.rejected[2] == [("/who", "maxLength"), ("/code", "pattern")]


def test_docs_that_cannot_be_written_are_one_line(tmp_path: Path) -> None:
    contract = parse_contract(MIXED, "mixed", 1, "mixed")
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match=r"file/docs: cannot be written \(Not a directory\); name another folder") as told:
        run_expectations(prepare_rows([], contract), expected_of(contract), "mixed_v1", tmp_path / "file" / "docs")
    assert "\n" not in str(told.value)


def test_a_suite_as_json_is_one_of_great_expectations() -> None:
    document = json.loads(suite_json(expected_of(CONTRACT), suite_name(CONTRACT)))
    again = gx.ExpectationSuite(name=document["name"], expectations=document["expectations"])
    assert document["name"] == "customer_activity_v1"
    assert len(again.expectations) == len(expected_of(CONTRACT))
    assert {one["meta"]["path"] for one in document["expectations"]} == {"", *(f"/{field.name}" for field in CONTRACT.fields)}


def test_a_record_counts_what_failed() -> None:
    contract = parse_contract(MIXED, "mixed", 1, "mixed")
    rows = prepare_rows([{"who": "a", "n": 99, "at": "x"}, {"who": "a", "n": 99}], contract)
    report = run_expectations(rows, expected_of(contract), suite_name(contract))
    record = record_of(report, "visits.jsonl", "2026-01-02T03:04:05.000000Z")
    assert record.failed == {"/at required": 1, "/n exclusiveMaximum": 2}
    assert (record.rows, record.success, record.suite) == (2, False, "mixed_v1")
    assert record == record_of(report, "visits.jsonl", "2026-01-02T03:04:05.000000Z"), "the same id, so that a repeat can be dropped"
    assert record.id != record_of(report, "visits.jsonl", "2026-01-02T03:04:06.000000Z").id


def test_a_record_tells_anomalies_up_to_a_limit() -> None:
    anomaly = Anomaly("n", "range", "99", "at most 12", 2, 1.0, True, "mend it", "allow it")
    contract = parse_contract(MIXED, "mixed", 1, "mixed")
    report = run_expectations(prepare_rows([], contract), expected_of(contract), "mixed_v1", unreadable=3, refused={"json": 3})
    record = record_of(report, "visits", "2026-01-02T03:04:05.000000Z", [anomaly] * (MOST_ANOMALIES + 1))
    assert (record.rows, record.unreadable, record.refused, record.success) == (0, 3, {"json": 3}, False)
    assert (len(record.anomalies), record.anomaly_count) == (MOST_ANOMALIES, MOST_ANOMALIES + 1)
    assert (record.anomalies[0].field, record.anomalies[0].finding, record.anomalies[0].rows) == ("n", "range", 2)
    assert record.anomalies[0].message == anomaly.message
