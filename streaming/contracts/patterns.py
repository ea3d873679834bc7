"""Regular expressions of a schema: only what ECMA-262 and the engine here read alike, so that producers in any language can check it."""

from __future__ import annotations

import re

from streaming.contracts.validator import compiled
from streaming.errors import ContractError

_GROUP = re.compile(r"\(\?(?!:|=|!|<=|<!|<[A-Za-z_$])")
_QUANTIFIER = re.compile(r"[*+?]|\{[0-9]+(?:,[0-9]*)?\}")
_ESCAPES = frozenset("dDwWsSbBfnrtvcxupPk")
_SET_OPERATIONS = ("&&", "--", "~~")


def check_pattern(pattern: str, where: str) -> None:
    r"""Raise ContractError for a regular expression that ECMA-262 does not have or reads otherwise, or that the engine does not take.

    >>> check_pattern("^[A-Z]{2}(?:-[0-9]+)?$", "x")
    >>> check_pattern("a++", "x")
    Traceback (most recent call last):
        ...
    streaming.errors.ContractError: x: pattern 'a++': '++' at 1 is a possessive or doubled quantifier, not ECMA-262; write it without
    """
    place = 0
    while place < len(pattern):
        length, fault = _step(pattern, place)
        if fault:
            found = pattern[place : place + length]
            raise ContractError(f"{where}: pattern {pattern!r}: {found!r} at {place} is {fault}, not ECMA-262; write it without")
        place += length
    try:
        compiled({"pattern": pattern})
    except ValueError as error:
        raise ContractError(f"{where}: {error}") from None


def _step(pattern: str, place: int) -> tuple[int, str]:
    """How long the next piece is (an atom, a quantifier, a whole class), and what is wrong with it, or ""."""
    if pattern[place] == "\\":
        return _escape(pattern, place)
    if pattern[place] == "[":
        return _class(pattern, place)
    if (group := _GROUP.match(pattern, place)) is not None:
        return len(group[0]) + 1, "a group of another language (as flags, atomic or Python's named groups)"
    quantifier = _QUANTIFIER.match(pattern, place)
    if quantifier is None:
        return 1, "no count; a brace that is meant stands as \\{" if pattern[place] == "{" else ""
    end = quantifier.end() + pattern.startswith("?", quantifier.end())
    if (again := _QUANTIFIER.match(pattern, end)) is not None:
        return again.end() - place, "a possessive or doubled quantifier"
    return end - place, ""


def _escape(pattern: str, place: int) -> tuple[int, str]:
    letter = pattern[place + 1 : place + 2]
    if (letter.isalpha() and letter not in _ESCAPES) or letter in ("<", ">"):
        return 2, "an escape of another language (the ends of a text are ^ and $)"
    braced = re.compile(r"\{[^}]*\}").match(pattern, place + 2) if letter in ("u", "p", "P") else None
    return (2 if braced is None else braced.end() - place), ""


def _class(pattern: str, place: int) -> tuple[int, str]:
    end = place + 1 + pattern.startswith("^", place + 1)
    if pattern.startswith("]", end):
        return end + 1 - place, "a class without characters, or with a bracket that must stand as \\]"
    while end < len(pattern) and pattern[end] != "]":
        if pattern[end] == "[":
            return end + 1 - place, "a class in a class; a bracket that is meant stands as \\["
        if pattern.startswith(_SET_OPERATIONS, end):
            return end + 2 - place, "an operation on classes"
        length, fault = _escape(pattern, end) if pattern[end] == "\\" else (1, "")
        if fault:
            return end + length - place, fault
        end += length
    return end + 1 - place, ""
