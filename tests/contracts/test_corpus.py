from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from schema_reference import Reference, Refused, found, strict

from streaming.contracts import Contract, load_contract
from streaming.contracts.reasons import JSON_RULES, RULES, SHOWN_REASONS

CORPUS = [json.loads(line) for line in Path("tests/corpus/customer_activity.jsonl").read_text().splitlines()]
# What the `jsonschema` package lets pass.
LAX = {"time: newline behind", "year 0 in UTC", "year 10000 in UTC"}


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load_contract(Path("schemas/customer_activity/v1.json"))


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case["name"])
def test_exact_path_tells_the_expected_reason(contract: Contract, case: dict[str, str]) -> None:
    reasons = contract.check(case["value"].encode("latin-1"))
    first = (reasons[0].rule, reasons[0].path) if reasons else ("", "")
    assert first == (case["reason"], case["path"]), [reason.message for reason in reasons]
    assert {reason.rule for reason in reasons} <= RULES


def test_corpus_is_large_and_its_names_are_unique() -> None:
    assert len({case["name"] for case in CORPUS}) == len(CORPUS) >= 150


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case["name"])
def test_reference_finds_the_same_reasons(contract: Contract, case: dict[str, str]) -> None:
    value = case["value"].encode("latin-1")
    told = contract.check(value)
    try:
        event = strict(value)
    except Refused:
        assert {reason.rule for reason in told} <= JSON_RULES
        assert told
        return
    reference = Reference(contract.document)
    if case["name"] in LAX:
        assert {reason.rule for reason in told} == {"format"}
        assert reference.allows(event)
    elif {reason.rule for reason in told} != {"depth"}:
        expected = reference.reasons(event)
        assert found(told) == expected or (len(expected) > SHOWN_REASONS and found(told) < expected)


def test_batch_agrees_with_single_events_and_keeps_neighbours(contract: Contract) -> None:
    values = [case["value"].encode("latin-1") for case in CORPUS]
    decoded = contract.decode(pa.array(values, pa.binary()))
    assert decoded.places.tolist() == [place for place, case in enumerate(CORPUS) if not case["reason"]]
    assert decoded.rejected == {place: contract.check(value) for place, value in enumerate(values) if CORPUS[place]["reason"]}
    alone = [contract.decode(pa.array([values[place]], pa.binary())).rows for place in decoded.places.tolist()]
    assert decoded.rows.equals(pa.Table.from_batches(alone).combine_chunks().to_batches()[0])


def test_values_are_read_as_written(contract: Contract) -> None:
    by_name = {case["name"]: case["value"].encode("latin-1") for case in CORPUS}
    names = ["valid", "tenure written 1e1", "charges null", "charges absent", "non-ascii id", "time with offset", "time of nanoseconds"]
    rows = contract.decode(pa.array([by_name[name] for name in names], pa.binary())).rows
    assert rows.column("event.tenure").to_pylist() == [1, 10, 1, 1, 1, 1, 1]
    assert rows.column("event.total_charges").to_pylist() == [29.85, 29.85, None, None, 29.85, 29.85, 29.85]
    assert rows.column("event.customer_id")[4].as_py() == "Zoë 😀"
    assert [str(time) for time in rows.column("event.event_time").cast(pa.int64())] == [
        *["1767323045678901"] * 5,
        "1767323045000000",
        "1767323045123457",
    ]


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        (b"[" * 5000, "depth"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "depth"),
        (b"[" * 1_000_000, "depth"),
        (b"9" * 100_000, "number_range"),
    ],
    ids=["open arrays", "objects", "a million arrays", "many digits"],
)
def test_monstrous_values_are_reasons_too(contract: Contract, value: bytes, rule: str) -> None:
    assert [reason.rule for reason in contract.check(value)] == [rule]
    assert list(contract.decode(pa.array([value], pa.binary())).rejected) == [0]


def test_message_of_ten_megabytes_stays_short(contract: Contract) -> None:
    values = [json.dumps({"x" * 10_000_000: 1}), json.dumps({"event_id": "y" * 10_000_000}), "z" * 10_000_000]
    for value in values:
        for reason in contract.check(value.encode()):
            assert len(reason.message) < 400


def test_all_reasons_are_found_in_the_order_of_the_schema(contract: Contract) -> None:
    event = json.loads(CORPUS[0]["value"]) | {"tenure": -1, "female": None, "churn": "Yes"}
    del event["contract"]
    assert [(reason.path, reason.rule, reason.value) for reason in contract.check(json.dumps(event).encode())] == [
        ("/female", "type", "null"),
        ("/tenure", "minimum", "-1"),
        ("/contract", "required", ""),
        ("/churn", "additionalProperties", '"Yes"'),
    ]
