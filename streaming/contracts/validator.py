"""jsonschema-rs, set up in one way everywhere: draft 2020-12, formats checked, nothing fetched."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime
from typing import Any, NoReturn

import jsonschema_rs
import msgspec

# jsonschema-rs takes leap seconds, which no column of times can hold, and in places `,` and other characters for digits.
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])")
_INSTANT = re.compile(f"{_DATE.pattern}[Tt]{_TIME.pattern}")


def compiled(schema: Mapping[str, Any], *, once: Iterable[str] = ()) -> jsonschema_rs.Draft202012Validator:
    """A validator of one schema, whose work grows with the size of what it judges, and no faster.

    once: keywords of which one error is made wherever they are broken, with nothing of what lies inside: of anyOf and oneOf every
    error of each branch is made, of propertyNames a copy of the whole object for each name.
    Raises ValueError if it is no schema, refers to another file, or has a pattern with look-around or a back-reference.
    """
    formats = {"date-time": _is_instant, "date": _is_date, "time": _is_time}
    patterns = jsonschema_rs.RegexOptions()  # the engine without backtracking
    try:
        return jsonschema_rs.Draft202012Validator(
            dict(schema),
            validate_formats=True,
            formats=formats,
            retriever=_refuse,
            pattern_options=patterns,
            keywords=dict.fromkeys(once, _Once),
        )
    except jsonschema_rs.ValidationError as error:
        if error.kind.name == "format":
            raise ValueError(f"pattern {error.instance!r} has look-around, a back-reference, or a fault; write it without") from None
        raise


class _Once:
    """A keyword that only says whether it allows a value."""

    def __init__(self, _: Any, limit: Any, path: list[str | int]) -> None:
        self._allows = compiled({str(path[-1]): limit}).is_valid

    def validate(self, instance: Any) -> None:
        if not self._allows(instance):
            raise ValueError


def instant(text: str) -> datetime | None:
    """RFC 3339 text as a time in UTC, microseconds; None where no such time is (a leap second, the year 0 or 10000).

    >>> instant("2026-01-01T01:00:00+01:00")
    datetime.datetime(2026, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
    """
    try:
        return msgspec.convert(text, datetime).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        return None


def _is_date(text: str) -> bool:
    try:
        return _DATE.fullmatch(text) is not None and date.fromisoformat(text) is not None
    except ValueError:
        return False


def _is_time(text: str) -> bool:
    return _TIME.fullmatch(text) is not None


def _is_instant(text: str) -> bool:
    if _INSTANT.fullmatch(text) is None:
        return False
    try:
        found = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        return False
    return MINYEAR < found.year < MAXYEAR or instant(text) is not None  # in UTC it may be of another year


def _refuse(uri: str) -> NoReturn:
    raise ValueError(f"{uri} is in another file; write it into $defs")
