"""Law 1, checked from outside: the store's rows and the rejected topic's messages against the producer's ledger."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from streaming.local.ledger import Address, Entry

EventKey = tuple[str, str]
"""event id, event time as the store writes it"""


@dataclass(frozen=True)
class Served:
    """A served row of the table `prediction`. `sha256` is hex."""

    prediction_id: str
    event_key: EventKey
    address: Address
    sha256: str


@dataclass(frozen=True)
class Rejected:
    """A message of the rejected topic: whose it was, why, and the digest of the bytes that it carries."""

    address: Address
    reason: str
    sha256: str | None


@dataclass(frozen=True)
class Reconciliation:
    """What became of the acknowledged messages. Each list names those for which law 1 does not hold.

    mended: rejected at first and predicted since, by a replay; they count as predicted, and a mapping may have changed their
    bytes. lost: without an outcome; doubled: predicted twice; altered: other bytes than were sent; misjudged: broken and
    scored without a rejection before it, or good and rejected; unknown: an outcome of what the ledger does not hold.
    """

    acknowledged: int
    predicted: int
    rejected: int
    repeated: int
    rejected_by_reason: dict[str, int]
    mended: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    misjudged: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Every acknowledged message has exactly one outcome, and the right one."""
        return not any(self.differences.values())

    @property
    def differences(self) -> dict[str, list[str]]:
        """The lists by name."""
        names = ("lost", "doubled", "altered", "misjudged", "unknown")
        return {name: getattr(self, name) for name in names}


def reconcile(ledger: Sequence[Entry], served: Iterable[Served], rejected: Iterable[Rejected]) -> Reconciliation:
    """Hold outcomes against a ledger.

    A message is a repeat if a message with the same event id and the same bytes was served from another address.
    """
    rows = list(served)
    refusals = {r.address: r for r in rejected}  # at least once: the same address may come twice
    entries = {entry.address: entry for entry in ledger}
    by_address = {row.address: row for row in rows}
    mended = by_address.keys() & refusals.keys()
    for address in mended:  # where both exist the prediction stands
        del refusals[address]
    served_bytes = {(row.event_key[0], row.sha256) for row in rows}
    repeats = {
        e.address for e in ledger if e.address not in by_address and e.address not in refusals and (e.event_id, e.sha256) in served_bytes
    }
    seen: list[Served | Rejected] = [*(row for row in rows if row.address not in mended), *refusals.values()]
    outcomes = by_address.keys() | refusals.keys()
    return Reconciliation(
        acknowledged=len(entries),
        predicted=len(rows),
        rejected=len(refusals),
        repeated=len(repeats),
        rejected_by_reason=dict(Counter(r.reason for r in refusals.values()).most_common()),
        lost=[_name(e) for e in ledger if e.address not in outcomes and e.address not in repeats],
        mended=len(mended),
        doubled=_doubled(rows),
        altered=[_name(entries[o.address]) for o in seen if _altered(o, entries)],
        misjudged=[_name(e) for e in ledger if e.address not in mended and _misjudged(e, by_address, refusals)],
        unknown=[_place(address) for address in sorted(outcomes - entries.keys())],
    )


def _doubled(rows: list[Served]) -> list[str]:
    keys: defaultdict[EventKey, list[str]] = defaultdict(list)
    for row in rows:
        keys[row.event_key].append(row.prediction_id)
    twice = [f"{key[0]} predicted {len(ids)} times" for key, ids in keys.items() if len(ids) > 1]
    places = Counter(row.address for row in rows)
    again = [f"{_place(address)} predicted {n} times" for address, n in places.items() if n > 1]
    return [*twice, *again]


def _altered(outcome: Served | Rejected, entries: dict[Address, Entry]) -> bool:
    entry = entries.get(outcome.address)
    return entry is not None and entry.sha256 != outcome.sha256


def _misjudged(entry: Entry, served: dict[Address, Served], refusals: dict[Address, Rejected]) -> bool:
    return entry.address in (served if entry.expected == "rejected" else refusals)


def _name(entry: Entry) -> str:
    return f"{entry.event_id} ({entry.kind}) at {_place(entry.address)}"


def _place(address: Address) -> str:
    return "{}/{}/{}".format(*address)
