"""Guesses that nobody has looked at are not published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from contract_versions import document

from streaming.contracts import load_contract
from streaming.contracts.checksums import check_folder, publish
from streaming.contracts.statistics import describe
from streaming.contracts.statistics.against_contract import against_contract
from streaming.contracts.statistics.parse import block_of_rows
from streaming.contracts.statistics.proposal import write_proposal
from streaming.contracts.versions import publish_one
from streaming.errors import ContractError


def draft(folder: Path, **event: Any) -> Path:
    amount = {"type": "integer", "minimum": 0, "maximum": 9, **event.pop("amount", {})}
    path = folder / "thing" / "v1.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document({"amount": amount}, **event)))
    return path


def test_a_draft_with_marks_is_not_published(tmp_path: Path) -> None:
    path = draft(tmp_path, amount={"$comment": "review: 3 rows have a value"})
    with pytest.raises(ContractError, match=r"v1\.json: 1 guesses are marked for review, the first at /properties/amount; look at each"):
        publish_one(path)
    with pytest.raises(ContractError, match="marked for review"):
        publish(tmp_path)
    draft(tmp_path, **{"$comment": "review: inferred from 3 rows"})
    with pytest.raises(ContractError, match="the first at /;"):
        publish_one(path)
    assert check_folder(tmp_path) == {"thing/v1.json": "draft"}


def test_another_comment_is_no_mark(tmp_path: Path) -> None:
    path = draft(tmp_path, amount={"$comment": "seen by risk, 2026-01-02; review: yearly", "description": "review: no mark"})
    publish_one(path)
    assert check_folder(tmp_path) == {"thing/v1.json": "published"}


def test_a_field_that_data_proposed_is_not_published(tmp_path: Path) -> None:
    path = draft(tmp_path)
    contract = load_contract(path)
    seen = describe([block_of_rows([{"at": "2026-01-02T00:00:00Z", "who": "w", "amount": 1, "colour": "red"}] * 9)])
    path.unlink()
    proposed = write_proposal(contract, against_contract(seen, contract), tmp_path).rename(path)
    with pytest.raises(ContractError, match="1 guesses are marked for review, the first at /properties/colour"):
        publish_one(proposed)
    with pytest.raises(ContractError, match="marked for review"):
        publish(tmp_path)
