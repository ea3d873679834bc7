"""A mapping changes what it names, and not a byte more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streaming.errors import ConfigError
from streaming.replay.mapping import Mapping, load_mapping

RULES = """
[rename]
tenureMonths = "tenure"
[replace.contract]
"Monthly" = "Month-to-month"
[cast]
tenure = "integer"
total = "number"
active = "boolean"
code = "string"
[default]
paperless = false
"""


@pytest.fixture
def mapping(tmp_path: Path) -> Mapping:
    (tmp_path / "map.toml").write_text(RULES)
    return load_mapping(tmp_path / "map.toml")


def mapped(mapping: Mapping, value: str) -> str:
    return (mapping.apply(value.encode()) or b"").decode()


def test_rules_apply_in_their_order(mapping: Mapping) -> None:
    sent = '{"tenureMonths": "12", "contract": "Monthly", "total": "1.5", "active": "yes", "code": 7}'
    found = json.loads(mapped(mapping, sent))
    assert found == {"tenure": 12, "contract": "Month-to-month", "total": 1.5, "active": True, "code": "7", "paperless": False}


def test_fields_that_no_rule_touches_keep_their_bytes(mapping: Mapping) -> None:
    assert mapped(mapping, '{"contract": "Monthly", "price": 1.10, "big": 18446744073709551615, "paperless": true}') == (
        '{"contract":"Month-to-month","price":1.10,"big":18446744073709551615,"paperless":true}'
    )
    assert mapped(mapping, '{"tenureMonths": 12, "price": 1.10}') == '{"tenure":12,"price":1.10,"paperless":false}'


def test_an_event_that_no_rule_changes_stays_byte_for_byte(mapping: Mapping) -> None:
    sent = '{"contract":  "Two year", "paperless": false, "tenure": 12.5, "price": 1.10}'
    assert mapped(mapping, sent) == sent


@pytest.mark.parametrize("value", ["[1, 2]", "{", '{"contract": "Monthly", "contract": "x"}', '{"x": NaN}', "", '"Monthly"'])
def test_what_is_no_json_object_cannot_be_mapped(mapping: Mapping, value: str) -> None:
    assert mapping.apply(value.encode()) is None


@pytest.mark.parametrize("text", ["1e400", "-1e400", "123456789012345678901234567890", "Infinity", "NaN", "true", "[1]"])
def test_no_cast_invents_a_value(text: str) -> None:
    """JSON has no infinity: it would be written as null; an integer of more than 64 bits cannot be written at all."""
    rules = Mapping(cast={"a": "number", "b": "integer"})
    assert json.loads(rules.apply(json.dumps({"a": text, "b": text, "c": 1}).encode()) or b"") == {"a": text, "b": text, "c": 1}
    assert rules.apply(b'{"b": 1e300}') == b'{"b": 1e300}'


def test_what_cannot_be_cast_or_renamed_stays(mapping: Mapping) -> None:
    sent = {"tenure": "a year", "tenureMonths": 3, "total": "NaN", "active": "perhaps", "code": None, "paperless": True}
    assert json.loads(mapped(mapping, json.dumps(sent))) == sent


def test_a_value_of_another_type_is_a_change() -> None:
    assert Mapping(cast={"a": "integer"}).apply(b'{"a": 12.0}') == b'{"a":12}'
    assert Mapping(cast={"a": "boolean"}).apply(b'{"a": 1}') == b'{"a":true}'


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ("[casts]\n", "casts is not a setting"),
        ('cast.a = "date"\n', "cast.a"),
        ("cast", "not TOML"),
        ("default.a = inf\n", r"map\.toml: default\.a.*is not a number that an event can hold"),
        ("default.a = nan\n", "default.a"),
        (f"default.a = {2**63}\n", "default.a"),
        ('replace.a."x" = -inf\n', r"replace\.a\.x"),
        ('rename.a = "c"\nrename.b = "c"\n', "a and b both become c, which would lose a value; keep one of them"),
    ],
    ids=lambda text: text.strip()[:20],
)
def test_a_strange_mapping_is_told_in_one_line(tmp_path: Path, rules: str, told: str) -> None:
    (tmp_path / "map.toml").write_text(rules)
    with pytest.raises(ConfigError, match=told) as raised:
        load_mapping(tmp_path / "map.toml")
    assert "\n" not in str(raised.value)


def test_the_digest_is_of_the_rules_not_of_their_order() -> None:
    assert Mapping(default={"a": 1, "b": 2}).digest == Mapping(default={"b": 2, "a": 1}).digest != Mapping(default={"a": 1}).digest
