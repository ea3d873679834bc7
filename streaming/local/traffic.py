"""The demo's traffic: held-out customers cycling as events, some broken, some sent twice, and a shift from the middle on.

Seeded: the same seed, customers and clock give the same bytes. The clock is read as each event is taken.
"""

from __future__ import annotations

import random
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from streaming.local.corruption import KINDS, Event, Scalar, encode
from streaming.records import rfc3339

Expected = Literal["scored", "repeat", "rejected"]
MOVED = ("contract", "monthly_charges", "tenure", "total_charges")
"""The features whose distribution the shift moves; it leaves every other one as it was."""

PRICE_RISE = 1.25
NEW_SHARE = 0.5
_NEW_TENURE_MAX = 3
_FIRST_NEW = 1_000_000  # far above the table's customers
_RECENT = 200


@dataclass(frozen=True)
class Sending:
    """One message to send. `kind`: good, repeat, conflict or a name of corruption.KINDS; `value` None is a null value."""

    event_id: str
    customer: str
    kind: str
    expected: Expected
    value: bytes | None
    index: int


@dataclass(frozen=True)
class Mix:
    """What the traffic is made of: shares of broken and repeated messages, in 0..1; whether the population shifts half-way."""

    broken: float = 0.02
    repeated: float = 0.005
    shift: bool = True


@dataclass
class Traffic:
    """An iterable of `events` messages. `customers`: fields of events, customer_id and features, as telco.event_fields gives."""

    customers: Sequence[Event]
    events: int
    clock: Callable[[], datetime]
    seed: int = 7
    mix: Mix = field(default_factory=Mix)

    @property
    def shift_index(self) -> int:
        """Number of messages before the shift; all of them if there is none."""
        return self.events // 2 if self.mix.shift else self.events

    def __iter__(self) -> Iterator[Sending]:
        """The messages, each made as it is taken, so that its event time is the time of sending."""
        dice = random.Random(self.seed)  # noqa: S311 (made-up traffic, no secret)
        kinds = _shuffled([*KINDS, "conflict"], dice)
        recent: deque[tuple[Event, Sending]] = deque(maxlen=_RECENT)
        broken = 0
        for index in range(self.events):
            die = dice.random()
            if die < self.mix.broken:
                yield self._broken(kinds[broken % len(kinds)], self._event(index, dice), recent, dice, index)
                broken += 1
            elif die < self.mix.broken + self.mix.repeated and recent:
                yield _repeat(dice.choice(recent)[1], index)
            else:
                event = self._event(index, dice)
                sending = _sending(event, "good", "scored", encode(event), index)
                recent.append((event, sending))
                yield sending

    def _event(self, index: int, dice: random.Random) -> Event:
        customer: dict[str, Scalar] = dict(self.customers[index % len(self.customers)])
        if index >= self.shift_index:
            customer = _shifted(customer, index, dice)
        event_id = str(uuid.UUID(int=dice.getrandbits(128), version=4))
        return {"event_id": event_id, "event_time": rfc3339(self.clock()), **customer}

    def _broken(self, kind: str, event: Event, recent: deque[tuple[Event, Sending]], dice: random.Random, index: int) -> Sending:
        if kind != "conflict":
            return _sending(event, kind, "rejected", KINDS[kind](event), index)
        if not recent:
            return _sending(event, "truncated_json", "rejected", KINDS["truncated_json"](event), index)
        earlier, _ = dice.choice(recent)
        other = {**earlier, "paperless_billing": 1 - int(earlier["paperless_billing"] or 0)}
        return _sending(other, "conflict", "rejected", encode(other), index)


def _shuffled(kinds: list[str], dice: random.Random) -> list[str]:
    dice.shuffle(kinds)
    return kinds


def _sending(event: Event, kind: str, expected: Expected, value: bytes | None, index: int) -> Sending:
    return Sending(str(event["event_id"]), str(event["customer_id"]), kind, expected, value, index)


def _repeat(earlier: Sending, index: int) -> Sending:
    return Sending(earlier.event_id, earlier.customer, "repeat", "repeat", earlier.value, index)


def _shifted(customer: dict[str, Scalar], index: int, dice: random.Random) -> dict[str, Scalar]:
    """A customer after the price rise; every second one, by the dice, is a new customer who pays month by month."""
    charges = round(float(customer["monthly_charges"] or 0) * PRICE_RISE, 2)
    customer["monthly_charges"] = charges
    if dice.random() < NEW_SHARE:
        tenure = dice.randint(0, _NEW_TENURE_MAX)
        customer["customer_id"] = f"C{_FIRST_NEW + index:07d}"
        customer["contract"] = "Month-to-month"
        customer["tenure"] = tenure
        customer["total_charges"] = round(charges * tenure, 2) if tenure else None
    return customer
