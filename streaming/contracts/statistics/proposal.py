"""The next version of a schema, as the anomalies of data ask for it: a draft for a person to review."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from streaming.contracts import Contract
from streaming.contracts.draft import write_new
from streaming.contracts.schema import parse_contract
from streaming.contracts.statistics.anomaly import Anomaly, Change
from streaming.errors import ContractError


def propose(contract: Contract, anomalies: Sequence[Anomaly]) -> dict[str, Any]:
    """The schema's document with every change that the anomalies ask for, as the version after the contract's.

    Raises ContractError if what comes out is no contract: the changes have to be made by hand.
    """
    document = copy.deepcopy(dict(contract.document))
    for name, changes in _changes(contract, anomalies).items():
        _apply(document, contract.resolved, name, changes)
    identity = document.get("$id")
    if isinstance(identity, str):
        document["$id"] = identity.removesuffix(f":{contract.version}") + f":{contract.version + 1}"
    parse_contract(document, contract.event, contract.version + 1, f"the proposal for {contract.event} v{contract.version + 1}")
    return document


def write_proposal(contract: Contract, anomalies: Sequence[Anomaly], folder: Path) -> Path:
    """Write the proposal to <folder>/<event>/v<N+1>.json; returns the path. An existing file is never overwritten.

    Raises ContractError if no anomaly asks for a change, if the file is there, or if it cannot be written.
    """
    path = folder / contract.event / f"v{contract.version + 1}.json"
    if not _changes(contract, anomalies):
        raise ContractError(f"{path}: not written: no anomaly would be mended by a change of the schema; mend the data")
    text = json.dumps(propose(contract, anomalies), indent=2, ensure_ascii=False) + "\n"
    write_new(path, text, "name another folder")
    return path


def _changes(contract: Contract, anomalies: Sequence[Anomaly]) -> dict[str, list[Change]]:
    """By field, what the anomalies ask for; nothing of a field that is no property and cannot become one."""
    found: dict[str, list[Change]] = {}
    for anomaly in anomalies:
        if anomaly.change is not None:
            found.setdefault(anomaly.field, []).append(anomaly.change)
    known = contract.document["properties"]
    return {name: changes for name, changes in found.items() if name in known or any(change.add for change in changes)}


def _apply(document: dict[str, Any], resolved: Mapping[str, Any], name: str, changes: Sequence[Change]) -> None:
    properties = document["properties"]
    # A reference is written out: what it names may hold other fields too.
    before = properties.get(name, {})
    spec = dict(resolved["properties"][name] if "$ref" in before else before)
    put = _together(spec, [change.put for change in changes])
    if put:
        properties[name] = {keyword: value for keyword, value in (spec | put).items() if value is not None}
    if any(change.required is False for change in changes):
        document["required"] = [other for other in document.get("required", []) if other != name]


def _together(spec: Mapping[str, Any], puts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All changes of a field as one: every value that one of them allows is allowed."""
    merged: dict[str, Any] = {}
    for put in puts:
        for keyword, value in put.items():
            if keyword == "type":
                merged[keyword] = _types([merged.get(keyword, spec.get(keyword, [])), value])
            elif keyword == "enum":
                merged[keyword] = list(dict.fromkeys([*merged.get(keyword, []), *value]))
            else:
                merged[keyword] = value
    return merged


def _types(parts: Sequence[str | list[str]]) -> str | list[str]:
    """Types of all parts; an integer is a number.

    >>> _types([["integer", "null"], "number"])
    ['null', 'number']
    """
    found = dict.fromkeys(kind for part in parts for kind in ([part] if isinstance(part, str) else part))
    kept = [kind for kind in found if kind != "integer" or "number" not in found]
    return kept[0] if len(kept) == 1 else kept
