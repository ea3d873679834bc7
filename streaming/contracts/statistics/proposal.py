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
    for anomaly in anomalies:
        if anomaly.change is not None:
            _apply(document, contract.resolved, anomaly.field, anomaly.change)
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
    if not any(anomaly.change for anomaly in anomalies):
        raise ContractError(f"{path}: not written: no anomaly would be mended by a change of the schema; mend the data")
    text = json.dumps(propose(contract, anomalies), indent=2, ensure_ascii=False) + "\n"
    write_new(path, text, "name another folder")
    return path


def _apply(document: dict[str, Any], resolved: Mapping[str, Any], name: str, change: Change) -> None:
    properties = document["properties"]
    if change.add:
        properties[name] = dict(change.put)
        return
    if change.put:
        # A reference is written out: what it names may hold other fields too.
        spec = properties[name] if "$ref" not in properties[name] else resolved["properties"][name]
        changed = {**spec, **change.put}
        if "enum" in change.put and "enum" in spec:
            changed["enum"] = list(dict.fromkeys([*spec["enum"], *change.put["enum"]]))
        properties[name] = {keyword: value for keyword, value in changed.items() if value is not None}
    if change.required is False:
        document["required"] = [other for other in document.get("required", []) if other != name]
