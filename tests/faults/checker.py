"""The judge: what a ledger says against what stores and topics hold. It imports nothing of the product.

An event's key is (event id, event time). Messages of one key: the first at its partition stands, the same bytes again are
a repeat, other bytes a conflict. (Where they lie on several partitions, whichever came first may stand.)
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from faults.evidence import Acknowledged, Address, Evidence, Predicted

SHOWN = 5
Key = tuple[str, str]


@dataclass
class Verdict:
    """The findings of one run; all but the first three must be 0.

    acknowledged: messages in the ledger; predicted, rejected: distinct addresses. lost: acknowledged without any outcome;
    doubled: outcomes too many; altered: an outcome whose bytes, id, entity or times are not the event's; misrouted: the wrong
    outcome, or the wrong reason; stale_current: entities whose current row is not their newest event that stands;
    miscounted: how far the metrics' counts are off, summed; unplanned: predictions and plans that do not agree.
    """

    acknowledged: int = 0
    predicted: int = 0
    rejected: int = 0
    lost: int = 0
    doubled: int = 0
    altered: int = 0
    misrouted: int = 0
    stale_current: int = 0
    miscounted: int = 0
    unplanned: int = 0
    shown: list[str] = field(default_factory=list)

    def find(self, what: str, why: str) -> None:
        """Count one finding; the first few are kept in words."""
        setattr(self, what, getattr(self, what) + 1)
        if getattr(self, what) <= SHOWN:
            self.shown.append(f"{what}: {why}")

    def findings(self) -> dict[str, int]:
        """What must be 0, by name."""
        return {name: count for name, count in asdict(self).items() if name in FINDINGS}


FINDINGS = ("lost", "doubled", "altered", "misrouted", "stale_current", "miscounted", "unplanned")


def check(evidence: Evidence) -> Verdict:
    """Judge a run."""
    rejected = {one.address: one for one in evidence.rejected}
    verdict = Verdict(acknowledged=len(evidence.ledger), predicted=len({one.address for one in evidence.predicted}), rejected=len(rejected))
    _check_outcomes(evidence, verdict)
    _check_bytes(evidence, verdict)
    _check_copies(evidence, verdict)
    _check_current(evidence, verdict)
    _check_counts(evidence, verdict)
    _check_plans(evidence, verdict)
    return verdict


def without_gaps(evidence: Evidence, gaps: Iterable[tuple[int, int, int]]) -> Evidence:
    """The evidence without the messages (partition, first offset, end) that were taken from the topic and have no outcome."""
    told = {row.address for row in evidence.predicted} | {one.address for one in evidence.rejected}
    spans = list(gaps)

    def excused(address: Address) -> bool:
        return address not in told and any(part == address[1] and first <= address[2] < end for part, first, end in spans)

    ledger = [line for line in evidence.ledger if not excused(line.address)]
    on_topic = {address: sha for address, sha in evidence.on_topic.items() if not excused(address)}
    return replace(evidence, ledger=ledger, on_topic=on_topic)


def _check_outcomes(evidence: Evidence, verdict: Verdict) -> None:
    """One outcome for each acknowledged message, and the right one."""
    reasons: dict[Address, set[str]] = defaultdict(set)
    for one in evidence.rejected:
        reasons[one.address].add(one.reason)
    predicted = Counter(one.address for one in evidence.predicted)
    for address, count in predicted.items():
        if count > 1:
            verdict.find("doubled", f"{count} predictions of {address}")
    groups: dict[Key, list[Acknowledged]] = defaultdict(list)
    for line in evidence.ledger:
        if line.kind == "broken":
            _check_broken(line, reasons.get(line.address, set()), predicted[line.address], verdict)
        else:
            groups[line.event_id, line.event_time].append(line)
    by_key: dict[Key, list[Predicted]] = defaultdict(list)
    for row in evidence.predicted:
        by_key[row.event_id, row.event_time].append(row)
    for key, lines in groups.items():
        _check_key(lines, by_key.get(key, []), reasons, verdict)


def _check_broken(line: Acknowledged, reasons: set[str], predicted: int, verdict: Verdict) -> None:
    if predicted:
        verdict.find("misrouted", f"broken ({line.reason}) and predicted: {line.address}")
    elif not reasons:
        verdict.find("lost", f"broken ({line.reason}) and neither rejected nor predicted: {line.address}")
    elif reasons != {line.reason}:
        verdict.find("misrouted", f"broken ({line.reason}) and rejected as {sorted(reasons)}: {line.address}")


def _check_key(lines: list[Acknowledged], rows: list[Predicted], reasons: dict[Address, set[str]], verdict: Verdict) -> None:
    """The messages of one event: one stands, the others are repeats or conflicts."""
    if len(rows) > 1:
        verdict.find("doubled", f"{len(rows)} predictions of event {lines[0].event_id}")
    if any(row.address not in {line.address for line in lines} for row in rows):
        return  # a copy stands whose acknowledgement never came; its bytes are judged with all others
    standing = _standing(lines, rows)
    for line in lines:
        found = reasons.get(line.address, set())
        if line == standing and not rows and not found:
            verdict.find("lost", f"no outcome of {line.kind} {line.address}")
        elif line == standing or line.sha256 == standing.sha256:
            if found:
                verdict.find("misrouted", f"{line.kind} and rejected as {sorted(found)}: {line.address}")
        elif not found:
            verdict.find("lost", f"a conflict, and not rejected: {line.address}")
        elif found != {"event_conflict"}:
            verdict.find("misrouted", f"a conflict, and rejected as {sorted(found)}: {line.address}")
    if rows and len({line.address[:2] for line in lines}) == 1 and rows[0].address != standing.address:
        verdict.find("misrouted", f"{rows[0].address} stands, and {standing.address} came first")


def _standing(lines: list[Acknowledged], rows: list[Predicted]) -> Acknowledged:
    """The message that stands: the first, where all came to one partition; else the one that the store took."""
    first = min(lines, key=lambda line: line.address)
    if len({line.address[:2] for line in lines}) == 1:
        return first
    taken = {row.address for row in rows}
    return next((line for line in lines if line.address in taken), first)


def _check_bytes(evidence: Evidence, verdict: Verdict) -> None:
    """Every outcome is of the bytes at its address, and names what the ledger says of them."""
    lines = {line.address: line for line in evidence.ledger}
    for row in evidence.predicted:
        line = lines.get(row.address)
        if row.sha256 != evidence.on_topic.get(row.address, row.sha256 if line else None):
            verdict.find("altered", f"the prediction of {row.address} is of other bytes than the topic's")
        named = (row.sha256, row.event_id, row.entity, row.event_time, row.sent_ms)
        if line and named != (line.sha256, line.event_id, line.entity, line.event_time, line.sent_ms):
            verdict.find("altered", f"the prediction of {row.address} names {named}, the ledger {line}")
    for one in evidence.rejected:
        if one.sha256 != (lines[one.address].sha256 if one.address in lines else evidence.on_topic.get(one.address)):
            verdict.find("altered", f"the rejected bytes of {one.address} are others than the event's")


def _check_copies(evidence: Evidence, verdict: Verdict) -> None:
    """Every other sink holds what stands in the store, and nothing else; a prediction that it holds twice is the same twice."""
    standing = {row.prediction_id: (row.address, row.model_version, row.score) for row in evidence.predicted}
    for sink, copies in evidence.copies.items():
        held = {copy.prediction_id for copy in copies}
        for missing in standing.keys() - held:
            verdict.find("lost", f"the prediction of {standing[missing][0]} is not in the sink {sink}")
        for extra in held - standing.keys():
            verdict.find("doubled", f"the sink {sink} holds prediction {extra}, which does not stand")
        for copy in copies:
            told = (copy.address, copy.model_version, copy.score)
            if standing.get(copy.prediction_id, told) != told:
                verdict.find("altered", f"the sink {sink} holds {copy}, the store {standing[copy.prediction_id]}")


def _check_current(evidence: Evidence, verdict: Verdict) -> None:
    """Each entity's current row is its newest event that has a prediction, or should have one."""
    predicted = {row.address for row in evidence.predicted}
    groups: dict[Key, list[Acknowledged]] = defaultdict(list)
    for line in evidence.ledger:
        if line.kind != "broken":
            groups[line.event_id, line.event_time].append(line)
    newest: dict[str, Acknowledged] = {}
    for lines in groups.values():
        taken = [line for line in lines if line.address in predicted]
        line = taken[0] if taken else min(lines, key=lambda one: one.address)
        if line.entity not in newest or line.order > newest[line.entity].order:
            newest[line.entity] = line
    unacknowledged = _unacknowledged(evidence)
    for entity, line in newest.items():
        found = evidence.current.get(entity)
        if found != (line.address, line.event_id) and not (found and found[0] in unacknowledged):
            verdict.find("stale_current", f"{entity} is at {found}, and its newest is {line.address} of {line.event_time}")
    for entity in evidence.current.keys() - newest.keys():
        if evidence.current[entity][0] not in unacknowledged:
            verdict.find("stale_current", f"{entity} has a current row, and no event")


def _unacknowledged(evidence: Evidence) -> set[Address]:
    """Messages that are on the topic though their acknowledgement never came to the producer."""
    return evidence.on_topic.keys() - {line.address for line in evidence.ledger}


def _check_counts(evidence: Evidence, verdict: Verdict) -> None:
    """Metrics records, known ids dropped, count each event once."""
    records = {record["id"]: record for record in reversed(evidence.metrics)}.values()  # the first of an id counts
    predicted = {row.address for row in evidence.predicted}
    rejected = {one.address for one in evidence.rejected}
    every = {line.address for line in evidence.ledger} | evidence.on_topic.keys()
    expected = {
        "events": len(every),
        "scored": len(predicted),
        "rejected": len(rejected),
        "repeated": len(every - predicted - rejected),
    }
    for name, count in expected.items():
        told = sum(record[name] for record in records)
        if told != count:
            verdict.miscounted += abs(told - count)
            verdict.shown.append(f"miscounted: the metrics tell {told} {name}, and there are {count}")


def _check_plans(evidence: Evidence, verdict: Verdict) -> None:
    """A plan never changes; each prediction's plan is in the log, names its model version, and covers its address."""
    for name, texts in evidence.plans.items():
        if len(texts) > 1:
            verdict.find("unplanned", f"plan {name} was written {len(texts)} times, each time another")
    known = {plan["plan_id"]: plan for plan in _plans(texts[0] for texts in evidence.plans.values())}
    for row in evidence.predicted:
        plan = known.get(row.plan_id)
        if plan is None:
            verdict.find("unplanned", f"{row.address} names plan {row.plan_id}, which is not in the log")
        elif plan["champion"]["version"] != row.model_version:
            verdict.find("unplanned", f"{row.address} was scored by version {row.model_version}, its plan {row.plan_id} names another")
        else:
            first, end = plan["offsets"].get(row.address[0], {}).get(str(row.address[1]), (0, -1))
            if not first <= row.address[2] < end:
                verdict.find("unplanned", f"{row.address} is outside of its plan {row.plan_id}")


def _plans(texts: Iterable[str]) -> Iterable[dict[str, Any]]:
    return (json.loads(text) for text in texts)
