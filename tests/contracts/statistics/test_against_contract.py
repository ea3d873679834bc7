"""Every way in which data can break a contract is an anomaly with numbers and two ways out; data that keep it have none."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from streaming.contracts import Contract
from streaming.contracts.schema import parse_contract
from streaming.contracts.statistics import Statistics, describe
from streaming.contracts.statistics.against_contract import against_contract, unchecked
from streaming.contracts.statistics.anomaly import Anomaly
from streaming.contracts.statistics.parse import block_of_rows

Make = Callable[..., Statistics]


def test_data_that_keep_the_contract_have_no_anomaly(contract: Contract, statistics: Make) -> None:
    assert against_contract(statistics(), contract) == []


@pytest.mark.parametrize(
    ("change", "field", "finding", "rows"),
    [
        ({"plan": ...}, "plan", "missing", 1),
        ({"age": None}, "age", "null", 1),
        ({"spent": None}, "spent", "null", 1),
        ({"age": "36"}, "age", "type", 1),
        ({"age": 36.5}, "age", "type", 1),
        ({"plan": True}, "plan", "type", 1),
        ({"at": "yesterday"}, "at", "type", 1),
        ({"at": "2026-01-02T00:00:00"}, "at", "type", 1),
        ({"plan": "trial"}, "plan", "unseen_value", 1),
        ({"age": 151}, "age", "range", 1),
        ({"age": -1}, "age", "range", 1),
        ({"spent": 100}, "spent", "range", 1),
        ({"spent": -0.5}, "spent", "range", 1),
        ({"who": "a"}, "who", "length", None),
        ({"who": "a" * 9}, "who", "length", None),
        ({"city": "Paris"}, "city", "unknown_field", 1),
        ({"left": True}, "left", "unknown_field", 1),
    ],
)
def test_what_breaks_the_contract_is_one_anomaly(
    change: dict[str, Any], field: str, finding: str, rows: int | None, contract: Contract, statistics: Make
) -> None:
    found = [one for one in against_contract(statistics(change), contract) if (one.field, one.finding) == (field, finding)]
    assert len(found) == 1
    assert (found[0].rows, found[0].share) == (rows, None if rows is None else rows / 10)
    assert found[0].mend_data and found[0].change_schema and "\n" not in found[0].message


@pytest.mark.parametrize(
    "fits",
    [{"spent": ...}, {"score": 2.5}, {"score": ...}, {"age": 36.0}, {"age": 150}, {"age": 0}, {"spent": 0}, {"tags": [1]}, {"who": "élan"}],
)
def test_what_keeps_the_contract_is_none(fits: dict[str, Any], contract: Contract, statistics: Make) -> None:
    assert against_contract(statistics(fits), contract) == []


def test_every_field_and_row_counts(contract: Contract, statistics: Make) -> None:
    found = against_contract(statistics({"plan": "a"}, {"plan": "a"}, {"plan": "b"}, {"age": 999}, {"age": None}), contract)
    assert [(one.field, one.finding, one.rows) for one in found] == [("plan", "unseen_value", 3), ("age", "null", 1), ("age", "range", 1)]
    assert found[0].found == '"a" 2×, "b" 1×'


def test_numbers_that_are_none_are_named(contract: Contract) -> None:
    rows = describe([block_of_rows([{"spent": float("nan")}, {"spent": float("inf")}, {"spent": 1.0}])])
    found = [one for one in against_contract(rows, contract) if one.field == "spent"]
    assert [(one.finding, one.rows, one.change) for one in found] == [("not_finite", 2, None)]


def test_nothing_and_rubbish_are_anomalies(contract: Contract) -> None:
    (one,) = against_contract(describe([]), contract)
    assert (one.field, one.finding) == ("", "empty")
    found = against_contract(describe([block_of_rows([], unreadable=4)]), contract)
    assert [(one.finding, one.rows) for one in found] == [("unreadable", 4), ("empty", 0)]


def test_a_training_table_has_a_target_and_maybe_no_ids(contract: Contract) -> None:
    training = parse_contract(dict(contract.document), "visit", 1, "visit v1", "training")
    table = describe([block_of_rows([{"plan": "free", "age": 1, "left": True}])])
    assert against_contract(table, training, metadata=False) == []
    assert {one.field for one in against_contract(table, training)} == {"at", "who"}
    assert [one.field for one in against_contract(table, contract, metadata=False)] == ["left"]


def test_values_of_a_person_are_never_shown(contract: Contract, statistics: Make) -> None:
    found = against_contract(statistics({"who": "x"}, {"who": "Lovelace, Ada"}), contract)
    assert [one.finding for one in found] == ["length", "length"]
    assert not any("Lovelace" in str(one) for one in found)


def test_a_value_among_too_many_is_still_found(contract: Contract, statistics: Make) -> None:
    """The sketch of frequent items forgets rare values: then the number of rows is told as not exact."""
    rows = [{"plan": f"p{i % 2000}"} for i in range(4000)] + [{"plan": "free"}] * 4000
    found = [one for one in against_contract(statistics(*rows, rows=8000), contract) if one.finding == "unseen_value"]
    assert len(found) == 1 and not found[0].exact and found[0].change is None


def test_what_statistics_do_not_tell_is_named(contract: Contract) -> None:
    assert unchecked(contract) == {"code": ["pattern"], "tags": ["items"], "": ["dependentRequired"]}


def test_of_values_of_any_shape_only_the_type_is_told(contract: Contract) -> None:
    document = copy.deepcopy(dict(contract.document))
    document["properties"]["tags"] = {"type": ["string", "integer"], "x-role": "metadata", "maxLength": 3, "minimum": 0, "enum": ["a", 1]}
    document["properties"]["at"] |= {"maxLength": 40, "enum": ["2026-01-02T00:00:00Z"]}
    shaped = parse_contract(document, "visit", 1, "visit v1")
    assert unchecked(shaped)["tags"] == ["enum", "maxLength", "minimum"]
    assert unchecked(shaped)["at"] == ["enum", "maxLength"]
    row = {"at": "2026-01-02T00:00:00Z", "who": "ada", "plan": "free", "age": 36, "tags": "a"}
    seen = describe([block_of_rows([row] * 3, kinds={"at": "timestamp"})])
    assert against_contract(seen, shaped) == []


@pytest.mark.parametrize("text", ["\x9b2J", "\u202eevil", "\x1b[2J"])
def test_no_control_character_reaches_the_terminal(text: str, contract: Contract, statistics: Make) -> None:
    (one,) = against_contract(statistics(*[{"city": text}] * 10), contract)
    assert (one.change_schema.isprintable(), one.change is None) == (True, False)


def test_a_message_is_one_line_for_a_person() -> None:
    anomaly = Anomaly("age", "range", "highest 151", "maximum 150", 3, 0.3, False, "mend", "change")
    assert anomaly.message == "age: range: found highest 151, expected maximum 150 (about 3 rows, 30 %)"


@pytest.mark.parametrize("name", ['a"b', "a\\b", "\x1b[2J", "n" * 1000])
def test_a_name_that_no_column_may_have_is_told_and_not_proposed(name: str, contract: Contract, statistics: Make) -> None:
    (one,) = against_contract(statistics({name: 1}), contract)
    assert (one.field[:400], one.finding, one.change) == (name[:400], "unknown_field", None)
    assert one.message.isprintable() and len(one.message) < 300
    assert one.mend_data.isprintable() and len(one.mend_data) < 200
