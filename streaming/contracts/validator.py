"""jsonschema-rs, set up in one way everywhere: draft 2020-12, formats checked, nothing fetched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime
from typing import Any, NoReturn

import jsonschema_rs
import msgspec

# jsonschema-rs takes leap seconds, which no column of times can hold, and in places `,` and other characters for digits.
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])")
_INSTANT = re.compile(f"{_DATE.pattern}[Tt]{_TIME.pattern}")


def compiled(schema: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
    """A validator of one schema. Raises ValueError if it is none, or refers to another file."""
    formats = {"date-time": _is_instant, "date": _is_date, "time": _is_time}
    return jsonschema_rs.Draft202012Validator(dict(schema), validate_formats=True, formats=formats, retriever=_refuse)


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
