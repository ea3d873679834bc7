"""An anomaly: what in the data does not fit, and the two ways out of it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from streaming.contracts.reasons import SHOWN_NAME, clip, printable

Finding = Literal[
    "unknown_field", "missing", "null", "type", "not_finite", "unseen_value", "range", "length", "unreadable", "empty",
    "skew", "drift", "presence",
]  # fmt: skip


class Change(msgspec.Struct, frozen=True):
    """What the next version of a schema would say of a field. put: keywords and their values; required: None leaves it."""

    put: dict[str, Any] = {}
    required: bool | None = None
    add: bool = False
    """the field is new: `put` is all of it"""


class Anomaly(msgspec.Struct, frozen=True):
    """One thing that does not fit.

    field: "" for the whole data set; rows: how many are concerned, None where statistics do not tell; exact: whether that
    number is exact or read from a sketch; mend_data, change_schema: the two ways out; change: None where no schema helps.
    """

    field: str
    finding: Finding
    found: str
    expected: str
    rows: int | None
    share: float | None
    exact: bool
    mend_data: str
    change_schema: str
    change: Change | None = None

    @property
    def message(self) -> str:
        """One line for a person.

        >>> Anomaly("tenure", "null", "null", "a value", 3, 0.1, True, "fill it", 'add "null" to type').message
        'tenure: null: found null, expected a value (3 rows, 10 %)'
        """
        about = "" if self.exact else "about "
        share = "" if self.share is None else f", {self.share * 100:.3g} %"
        rows = "" if self.rows is None else f" ({about}{self.rows:,} row{'' if self.rows == 1 else 's'}{share})"
        return f"{shown_name(self.field) or 'data'}: {self.finding}: found {self.found}, expected {self.expected}{rows}"


def shown_name(name: str) -> str:
    r"""A field's name as a terminal may show it: it comes from a stranger, and may be long or hold control characters.

    >>> shown_name("a" + chr(27) + "[2J")
    'a\\u001b[2J'
    """
    return printable(clip(name, SHOWN_NAME))


class Report(msgspec.Struct, frozen=True):
    """All anomalies.

    unchecked: field → keywords of the schema of which statistics tell nothing; `scoring schema validate` checks rows.
    too_few: fields with too few values for any drift to be told from chance.
    """

    rows: int
    anomalies: list[Anomaly]
    unchecked: dict[str, list[str]]
    too_few: list[str] = []
