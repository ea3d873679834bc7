"""What a label may say, what is refused, and that its schema and its decoder agree."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from streaming.truth.label import InvalidLabel, Label, check, decode, encode

BY_ENTITY = {"record": "label", "version": 1, "deployment": "churn_risk", "label": True, "entity_id": "C1",
             "outcome_at": "2026-02-01T00:00:00Z", "observed_at": "2026-02-02T00:00:00+01:00"}  # fmt: skip
KEY = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
VALIDATOR = jsonschema_rs.Draft202012Validator(json.loads(Path("schemas/label/v1.json").read_text()), validate_formats=True)


def read(**changes: Any) -> Any:
    fields = {name: value for name, value in (BY_ENTITY | changes).items() if value != "absent"}
    return decode(json.dumps(fields).encode(), "churn_risk")


def test_a_label_by_entity() -> None:
    found = read(weight=2, acted=False, source="crm")
    assert (found.number, found.name, found.entity_id, found.weight, found.acted, found.source) == (1.0, None, "C1", 2.0, False, "crm")
    assert found.observed_at == datetime(2026, 2, 1, 23, tzinfo=UTC)


@pytest.mark.parametrize(("label", "number", "name"), [(False, 0.0, None), (12.5, 12.5, None), (3, 3.0, None), ("Yes", None, "Yes")])
def test_kinds_of_labels(label: Any, number: float | None, name: str | None) -> None:
    found = read(label=label)
    assert (found.number, found.name) == (number, name)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"entity_id": "absent"}, "names no prediction; expected prediction_id, or entity_id and outcome_at"),
    ({"outcome_at": "absent"}, "names no prediction"),
    ({"entity_id": ""}, "names no prediction"),
    ({"prediction_id": "17"}, "prediction_id is '17'; expected a UUID"),
    ({"observed_at": "absent"}, "missing required field `observed_at`"),
    ({"observed_at": "soon"}, "observed_at is 'soon'; expected a time"),
    ({"outcome_at": "2026-02-01T00:00:00"}, "outcome_at 2026-02-01T00:00:00 has no zone"),
    ({"label": "absent"}, "missing required field `label`"),
    ({"label": ""}, "label is an empty text"),
    ({"label": [1]}, "not a label"),
    ({"weight": 0}, "weight is 0.0; expected a number above 0"),
    ({"version": 2}, "not a label"),
    ({"record": "metrics"}, "not a label"),
]


@pytest.mark.parametrize(("changes", "message"), BAD, ids=lambda value: str(value)[:40])
def test_what_is_refused_is_refused_by_the_schema_too(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidLabel, match=message):
        read(**changes)
    assert not VALIDATOR.is_valid({name: value for name, value in (BY_ENTITY | changes).items() if value != "absent"})


def test_another_deployments_label_is_refused() -> None:
    with pytest.raises(InvalidLabel, match="for deployment 'credit'; expected 'churn_risk'"):
        read(deployment="credit")


@pytest.mark.parametrize("value", [None, b"", b"[]", b"\xff", b"{" * 5000])
def test_what_is_no_json_is_refused_in_one_line(value: bytes | None) -> None:
    with pytest.raises(InvalidLabel) as raised:
        decode(value, "churn_risk")
    assert "\n" not in str(raised.value)


def test_an_encoded_label_is_valid_and_read_back() -> None:
    label = Label("Yes", "2026-02-02T00:00:00Z", "churn_risk", prediction_id=KEY.upper(), acted=True, partial=True, id="crm-7")
    assert [error.message for error in VALIDATOR.iter_errors(json.loads(encode(label)))] == []
    found = decode(encode(label), "churn_risk")
    assert found == check(label, "churn_risk")
    assert (found.label_id, found.prediction_id, found.partial) == ("crm-7", KEY, True)


def test_equal_labels_without_an_id_are_one_and_others_are_not() -> None:
    assert read().label_id == read().label_id
    assert len({read(**change).label_id for change in ({}, {"label": False}, {"entity_id": "C2"}, {"partial": True}, {"weight": 2})}) == 5
