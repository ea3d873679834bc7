"""The proposed version is judged as a contract judges: every row that was seen is valid under it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.contracts import Contract
from streaming.contracts.schema import DIALECT, parse_contract
from streaming.contracts.statistics import blocks_of_messages, describe
from streaming.contracts.statistics.against_baseline import Thresholds
from streaming.contracts.statistics.against_contract import unchecked
from streaming.contracts.statistics.anomaly import Report
from streaming.contracts.statistics.proposal import propose
from streaming.contracts.statistics.validate import validate_statistics

HEAD = {"who": "w", "at": "2026-01-01T00:00:00Z"}
PROPERTIES: dict[str, Any] = {
    "count": {"type": "integer", "minimum": 0, "maximum": 10},
    "spent": {"type": ["number", "null"], "exclusiveMinimum": 0, "minimum": -5, "maximum": 3},
    "plan": {"type": "string", "enum": ["aa", "bb"], "maxLength": 2, "pattern": "^[a-c]+$"},
    "kind": {"type": "string", "const": "a"},
    "code": {"type": ["integer", "null"], "enum": [1, 2, None]},
    "grade": {"type": "string", "minLength": 1, "maxLength": 3},
    "flag": {"type": "boolean"},
    "refused": {"type": "integer", "minimum": 0, "maximum": 10, "allOf": [{"type": ["integer", "number"]}]},
}


def contract_of(properties: dict[str, Any]) -> Contract:
    document = {
        "$schema": DIALECT, "$id": "urn:test:t:1", "type": "object", "additionalProperties": False, "required": ["at", "who", *properties],
        "properties": {"who": {"type": "string", "maxLength": 64}, "at": {"type": "string", "format": "date-time"}, **properties},
        "x-entity": "who", "x-event-time": "at",
    }  # fmt: skip
    return parse_contract(document, "t", 1, "t v1")


def held(rows: list[dict[str, Any]], contract: Contract) -> tuple[list[bytes], Report]:
    """The rows as messages, and what their statistics say."""
    messages = [json.dumps(HEAD | row).encode() for row in rows]
    statistics = describe(blocks_of_messages(messages, {field.name: field.kind for field in contract.fields}))
    return messages, validate_statistics(statistics, contract)


def proposed(contract: Contract, report: Report) -> Contract:
    return parse_contract(propose(contract, report.anomalies), "t", 2, "t v2")


INTEGERS = st.integers(-(2**63), 2**63 - 1) | st.integers(-20, 20) | st.integers(2**53 - 3, 2**53 + 3)
FLOATS = st.floats(allow_nan=False, allow_infinity=False) | st.floats(-10, 10)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)
LONG = st.sampled_from(["z" * 250 + end for end in "abc"])
ANYTHING = INTEGERS | FLOATS | TEXTS | LONG | st.booleans() | st.none() | st.lists(st.integers(0, 3), max_size=2) | st.just({"k": 1})
ROWS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "count": INTEGERS | FLOATS | st.none(),
            "spent": INTEGERS | FLOATS | st.none(),
            "plan": st.sampled_from(["aa", "bb", "cc", "abc", "d", "None"]) | TEXTS | st.none(),
            "kind": st.sampled_from("ab") | st.none(),
            "code": st.integers(0, 5) | st.just(0.5) | INTEGERS | st.none(),
            "grade": TEXTS | LONG | st.none(),
            "flag": st.booleans() | st.none(),
            "new": INTEGERS | st.none(),
            "size": FLOATS | INTEGERS,
            "odd": ANYTHING,
            "text": TEXTS | LONG | st.none(),
        },
    ),
    min_size=1,
    max_size=20,
)


@pytest.mark.slow
@given(ROWS)
@settings(deadline=None, max_examples=150)
def test_every_row_is_valid_under_what_is_proposed(rows: list[dict[str, Any]]) -> None:
    contract = contract_of({name: spec for name, spec in PROPERTIES.items() if name != "refused"})
    messages, report = held(rows, contract)
    assert unchecked(contract) == {}
    assert bool(report.anomalies) is any(contract.check(message) for message in messages)
    if report.anomalies and all(one.change for one in report.anomalies):
        following = proposed(contract, report)
        assert [reason for message in messages for reason in following.check(message)] == []


@pytest.mark.parametrize(
    ("properties", "rows", "expected"),
    [
        ({"count": PROPERTIES["count"]}, [{"count": None}, {"count": 0.5}, {"count": 3}], {"type": ["null", "number"]}),
        ({"count": PROPERTIES["count"]}, [{"count": 2**53 + 1}], {"maximum": 2**53 + 1}),
        ({"count": {"type": "integer", "minimum": 0, "maximum": 2**53}}, [{"count": 2**53 + 1}], {"maximum": 2**53 + 1}),
        ({"kind": {"type": "string", "const": "a"}}, [{"kind": "b"}], {"type": "string", "enum": ["a", "b"]}),
        ({"kind": {"type": "string", "const": "a"}}, [{"kind": None}], {"type": ["string", "null"], "enum": ["a", None]}),
        ({"plan": PROPERTIES["plan"]}, [{"plan": "cccc"}], {"enum": ["aa", "bb", "cccc"], "pattern": "^[a-c]+$"}),
        ({"code": PROPERTIES["code"]}, [{"code": 7}, {"code": None}], {"enum": [1, 2, None, 7]}),
        ({"code": {"type": "integer", "enum": [1, 2]}}, [{"code": 0.5}], {"type": "number", "enum": [1, 2, 0.5]}),
    ],
)
def test_changes_of_one_field_go_together(properties: dict[str, Any], rows: list[dict[str, Any]], expected: dict[str, Any]) -> None:
    contract = contract_of(properties)
    messages, report = held(rows * 3, contract)
    following = proposed(contract, report)
    assert [reason for message in messages for reason in following.check(message)] == []
    (name,) = properties
    assert expected.items() <= following.document["properties"][name].items()
    assert not {"const", "maxLength"} & set(following.document["properties"][name])


def test_long_texts_are_no_choices_for_they_were_cut() -> None:
    contract = contract_of({})
    messages, report = held([{"text": "z" * 250 + "ab"[i % 2]} for i in range(20)], contract)
    following = proposed(contract, report)
    assert following.document["properties"]["text"]["maxLength"] == 251
    assert not any(following.check(message) for message in messages)


def test_choices_longer_than_what_is_kept_of_a_text_are_known() -> None:
    contract = contract_of({"plan": {"type": "string", "enum": ["z" * 250 + "a", "b"]}})
    assert held([{"plan": "z" * 250 + "a"}, {"plan": "b"}], contract)[1].anomalies == []
    (one,) = held([{"plan": "y" * 250}], contract)[1].anomalies
    assert (one.finding, one.change) == ("unseen_value", None)


@pytest.mark.parametrize("beyond", [1e30, -(10.0**25)])
def test_numbers_beyond_64_bits_are_no_integers(beyond: float) -> None:
    contract = contract_of({"count": PROPERTIES["count"]})
    _, report = held([{"count": beyond, "new": beyond}, {"count": 1, "new": 1}], contract)
    changes = {one.field: one.change for one in report.anomalies}
    assert changes["count"] is None
    assert changes["new"] is not None and changes["new"].put["type"] == "number"
    assert proposed(contract, report).document["properties"]["count"] == PROPERTIES["count"]


def test_a_name_that_no_column_may_have_does_not_stop_the_proposal_for_the_others() -> None:
    """Its drift asks for a change of a property that is not there."""
    contract = contract_of({"count": PROPERTIES["count"]})
    rows = [[{'we"ird': i * factor + 0.5, "count": i % 10 + factor} for i in range(500)] for factor in (1, 5)]
    before, now = (describe(blocks_of_messages([json.dumps(HEAD | row).encode() for row in part], {"at": "timestamp"})) for part in rows)
    report = validate_statistics(now, contract, before, thresholds=Thresholds(measure="psi"))
    assert {one.finding for one in report.anomalies if one.field == 'we"ird'} == {"unknown_field", "drift"}
    assert proposed(contract, report).document["properties"]["count"]["maximum"] == 14


def test_null_that_another_keyword_refuses_is_not_proposed() -> None:
    contract = contract_of({"refused": PROPERTIES["refused"]})
    (one,) = held([{"refused": None}], contract)[1].anomalies
    assert (one.finding, one.change, one.change_schema) == ("null", None, "loosen by hand what refuses null beside its type")


def test_a_list_of_numbers_is_not_told_to_become_a_text() -> None:
    contract = contract_of({"code": PROPERTIES["code"]})
    (one,) = held([{"code": i} for i in range(3, 100)], contract)[1].anomalies
    assert (one.change, one.change_schema) == (None, "replace enum by minimum and maximum")


@pytest.mark.parametrize("row", [{"who": None}, {"at": None}])
def test_what_names_an_event_stays_required(row: dict[str, Any]) -> None:
    contract = contract_of({"count": PROPERTIES["count"]})
    _, report = held([{"count": 11}, {"count": 1} | row], contract)
    assert [(one.finding, one.change is None) for one in report.anomalies] == [("null", True), ("range", False)]
    assert proposed(contract, report).document["required"] == ["at", "who", "count"]
