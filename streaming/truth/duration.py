"""Spans of time as people write them: "30 d", "12 h", "90 s"."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator

_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
_WRITTEN = re.compile(r"(\d+(?:\.\d+)?) ?(s|min|h|d)")


def duration(text: object) -> object:
    """A text as a timedelta; what is no text stays as it is. Raises ValueError for another text.

    >>> duration("30 d"), duration("1.5h")
    (datetime.timedelta(days=30), datetime.timedelta(seconds=5400))
    """
    if not isinstance(text, str):
        return text
    if (found := _WRITTEN.fullmatch(text.strip())) is None:
        raise ValueError(f"{text!r} is not a span of time; write a number and one of s, min, h, d, such as '30 d'")
    return timedelta(seconds=float(found[1]) * _UNITS[found[2]])


Duration = Annotated[timedelta, BeforeValidator(duration)]
