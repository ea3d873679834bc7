from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from contract_versions import document
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.contracts.fitting import impossible_rule
from streaming.contracts.schema import parse_contract
from streaming.contracts.validator import compiled
from streaming.errors import ContractError

TRAINING = {"type": "string", "x-environments": ["training"]}
SERVING = {"type": "string", "x-environments": ["serving"]}
IMPOSSIBLE: list[dict[str, Any]] = [
    {"allOf": [{"required": ["v"]}]},
    {"anyOf": [{"required": ["v"]}, {"required": ["v", "who"]}]},
    {"oneOf": [{"required": ["v"]}, {"allOf": [True, {"required": ["v"]}]}]},
    {"not": {"properties": {"v": {"const": "x"}}}},
    {"not": {"dependentRequired": {"v": ["n"]}}},
    {"if": {"required": ["who"]}, "then": {"required": ["v"]}},
    {"if": {"required": ["v"]}, "else": {"properties": {"who": False}}},
    {"if": {"required": ["n"]}, "then": {"required": ["v"]}, "else": {"required": ["v"]}},
    {"dependentRequired": {"who": ["v"]}},
    {"dependentSchemas": {"who": {"required": ["v"]}}},
    {"minProperties": 4},
    {"oneOf": [{"required": ["n"]}, {"required": ["v"]}, {"required": ["at"]}, {"required": ["who"]}]},
    {"maxProperties": 1},
]
POSSIBLE: list[dict[str, Any]] = [
    {"anyOf": [{"required": ["v"]}, {"required": ["n"]}]},
    {"oneOf": [{"required": ["v"]}, {"required": ["who"]}]},
    {"not": {"required": ["v"]}},
    {"if": {"required": ["v"]}, "then": {"required": ["n"]}},
    {"if": {"properties": {"v": {"const": "x"}}, "required": ["v"]}, "then": False},
    {"dependentRequired": {"v": ["n"], "n": ["v"]}},
    {"dependentSchemas": {"v": False}},
    {"minProperties": 3},
    {"maxProperties": 2, "title": "x"},
]


@pytest.mark.parametrize("rule", IMPOSSIBLE, ids=str)
@pytest.mark.parametrize(("spec", "environment"), [(TRAINING, "serving"), (SERVING, "training")])
def test_a_rule_that_no_event_of_an_environment_keeps_is_refused(rule: dict[str, Any], spec: dict[str, Any], environment: str) -> None:
    made = document({"v": spec, "n": {"type": "number"}}, optional=("v", "n"), **rule)
    named = "(serving|training)" if rule in IMPOSSIBLE[-2:] else environment  # the last two are so in both
    for loaded in ("serving", "training"):
        with pytest.raises(ContractError, match=f"^thing: no {named} event can keep the rule {next(iter(rule))}: "):
            parse_contract(made, "thing", 1, "thing", loaded)  # type: ignore[arg-type]


@pytest.mark.parametrize("rule", POSSIBLE, ids=str)
def test_a_rule_that_some_event_keeps_may_stand(rule: dict[str, Any]) -> None:
    contract = parse_contract(document({"v": TRAINING, "n": {"type": "number"}}, optional=("v", "n"), **rule), "thing", 1, "thing")
    events = [b'{"at": "2026-01-01T00:00:00Z", "who": "w"', b'{"at": "2026-01-01T00:00:00Z", "who": "w", "n": 1']
    assert any(contract.check(event + b"}") == [] for event in events)


NAMES = st.lists(st.sampled_from(["a", "b", "gone", "never"]), min_size=1, max_size=2, unique=True)
RULES = st.recursive(
    st.booleans()
    | st.fixed_dictionaries({"required": NAMES})
    | st.fixed_dictionaries({"properties": st.dictionaries(st.sampled_from(["a", "gone"]), st.booleans(), max_size=2)})
    | st.fixed_dictionaries({"dependentRequired": st.dictionaries(st.sampled_from(["a", "b", "gone"]), NAMES, max_size=2)})
    | st.builds(lambda keyword, count: {keyword: count}, st.sampled_from(["minProperties", "maxProperties"]), st.integers(0, 4)),
    lambda inner: (
        st.builds(
            lambda keyword, parts: {keyword: parts}, st.sampled_from(["allOf", "anyOf", "oneOf"]), st.lists(inner, min_size=1, max_size=3)
        )
        | st.builds(lambda part: {"not": part}, inner)
        | st.builds(lambda part: {"dependentSchemas": {"a": part}}, inner)
        | st.fixed_dictionaries({"if": inner}, optional={"then": inner, "else": inner})
    ),
    max_leaves=5,
)


@settings(max_examples=400, deadline=None)
@given(RULES)
def test_what_is_called_impossible_is_kept_by_no_event(rule: Any) -> None:
    made = {"properties": {"a": {}, "b": {}, "c": {}}, "required": ["b"], "allOf": [rule]}
    events = [
        {"b": 1} | dict.fromkeys([name for name, there in zip("ac", chosen, strict=True) if there], 1)
        for chosen in product([True, False], repeat=2)
    ]
    if impossible_rule(made) is not None:
        assert not any(compiled({"allOf": [rule]}).is_valid(event) for event in events)
