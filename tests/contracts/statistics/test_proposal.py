"""The proposed version is a contract that the data keep, wherever a schema can help."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streaming.contracts import Contract, load_contract
from streaming.contracts.schema import parse_contract
from streaming.contracts.statistics import Statistics
from streaming.contracts.statistics.against_contract import against_contract
from streaming.contracts.statistics.anomaly import Anomaly, Change
from streaming.contracts.statistics.proposal import propose, write_proposal
from streaming.contracts.statistics.proposed_field import REVIEW
from streaming.errors import ContractError

Make = Callable[..., Statistics]


@pytest.mark.parametrize(
    ("change", "field", "expected"),
    [
        ({"plan": ...}, "plan", None),
        ({"age": None}, "age", {"type": ["integer", "null"]}),
        ({"plan": None}, "plan", {"type": ["string", "null"], "enum": ["free", "paid", None]}),
        ({"plan": "trial"}, "plan", {"enum": ["free", "paid", "trial"]}),
        ({"age": 151}, "age", {"maximum": 151}),
        ({"age": 36.5}, "age", {"type": "number"}),
        ({"spent": 250.5}, "spent", {"type": "number", "minimum": 0, "maximum": 250.5}),
        ({"who": "a"}, "who", {"minLength": 1}),
        ({"city": "Paris"}, "city", {"$comment": REVIEW, "type": "string", "maxLength": 5}),
        ({"visits": 4}, "visits", {"type": "integer", "minimum": 4, "maximum": 4}),
        ({"ratio": 0.5}, "ratio", {"type": "number", "minimum": 0.5, "maximum": 0.5}),
        ({"seen": [1]}, "seen", {"type": "array", "x-role": "metadata"}),
        ({"mixed": {"a": 1}}, "mixed", {"type": "object", "x-role": "metadata"}),
    ],
)
def test_the_data_keep_what_is_proposed(
    change: dict[str, Any], field: str, expected: dict[str, Any] | None, contract: Contract, statistics: Make
) -> None:
    seen = statistics(change)
    document = propose(contract, against_contract(seen, contract))
    next_version = parse_contract(document, "visit", 2, "proposal")
    assert against_contract(seen, next_version) == []
    assert document["$id"] == "urn:test:visit:2"
    if expected is None:
        assert field not in document["required"]
    else:
        assert expected.items() <= document["properties"][field].items()
        assert "exclusiveMaximum" not in document["properties"][field]


def test_several_anomalies_of_a_field_are_one_change(contract: Contract, statistics: Make) -> None:
    seen = statistics({"plan": "trial"}, {"plan": None}, {"age": -5}, {"age": 200}, {"age": ...})
    document = propose(contract, against_contract(seen, contract))
    assert document["properties"]["plan"]["enum"] == ["free", "paid", None, "trial"]
    assert (document["properties"]["age"]["minimum"], document["properties"]["age"]["maximum"]) == (-5, 200)
    assert document["required"] == ["at", "who", "plan"]
    assert against_contract(seen, parse_contract(document, "visit", 2, "proposal")) == []


def test_the_contract_itself_never_changes(contract: Contract, statistics: Make) -> None:
    before = json.dumps(contract.document)
    propose(contract, against_contract(statistics({"plan": "trial"}, {"spent": 300}), contract))
    assert json.dumps(contract.document) == before


def test_a_reference_is_written_out_for_the_field_alone(contract: Contract, statistics: Make) -> None:
    document = propose(contract, against_contract(statistics({"spent": 300}), contract))
    assert document["$defs"]["money"]["exclusiveMaximum"] == 100
    assert "$ref" not in document["properties"]["spent"]


def test_a_draft_is_written_once_and_loads(contract: Contract, statistics: Make, tmp_path: Path) -> None:
    anomalies = against_contract(statistics({"plan": "trial"}), contract)
    path = write_proposal(contract, anomalies, tmp_path)
    assert path == tmp_path / "visit" / "v2.json"
    loaded = load_contract(path)
    assert (loaded.version, loaded.features) == (2, contract.features)
    with pytest.raises(ContractError, match="is there already"):
        write_proposal(contract, anomalies, tmp_path)


def test_what_no_schema_mends_is_not_written(contract: Contract, statistics: Make, tmp_path: Path) -> None:
    anomalies = against_contract(statistics({"age": "old"}), contract)
    assert [one.finding for one in anomalies] == ["type"]
    with pytest.raises(ContractError, match="no anomaly would be mended"):
        write_proposal(contract, anomalies, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_change_that_makes_no_contract_is_refused(contract: Contract) -> None:
    broken = Anomaly("who", "missing", "", "", 1, 0.1, True, "", "", Change(required=False))
    with pytest.raises(ContractError, match=r"the proposal for visit v2: x-entity names 'who'"):
        propose(contract, [broken])
