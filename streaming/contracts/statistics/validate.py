"""Statistics held to a contract and to a baseline, as one report."""

from __future__ import annotations

from streaming.contracts import Contract
from streaming.contracts.statistics.against_baseline import Comparison, Thresholds, against_baseline, too_few
from streaming.contracts.statistics.against_contract import against_contract, unchecked
from streaming.contracts.statistics.anomaly import Report
from streaming.contracts.statistics.dataset import Statistics


def validate_statistics(
    statistics: Statistics,
    contract: Contract,
    baseline: Statistics | None = None,
    *,
    comparison: Comparison = "drift",
    thresholds: Thresholds | None = None,
    metadata: bool = True,
) -> Report:
    """All anomalies: against the contract, then against the baseline if there is one.

    Ids and times (role metadata), fields with `x-drift: false`, and fields of training alone are not compared with a baseline.
    A field with a threshold of its own (`x-drift`) is judged by PSI, whatever measure the others are judged by.
    """
    few: list[str] = []
    found = against_contract(statistics, contract, metadata=metadata)
    if baseline is not None:
        apart = {field.name for field in contract.fields if field.role == "metadata" or field.words.drift is False}
        if contract.target is not None and contract.environment == "serving":
            apart.add(contract.target["field"])
        apart |= baseline.fields.keys() - {field.name for field in contract.fields} if comparison == "skew" else set()
        own = {
            field.name: field.words.drift["threshold"]
            for field in contract.fields
            if field.words.drift and "threshold" in field.words.drift
        }
        found += against_baseline(
            statistics, baseline, comparison=comparison, thresholds=thresholds, leave_out=frozenset(apart), psi_of=own
        )
        few = too_few(statistics, baseline, thresholds=thresholds, leave_out=frozenset(apart))
    return Report(statistics.rows, found, unchecked(contract, metadata=metadata), few)
