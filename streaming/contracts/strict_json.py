"""JSON as RFC 8259 has it, and no more: what Python's own parser lets pass is told as a reason."""

from __future__ import annotations

import json
import math
from itertools import islice
from typing import Any

from streaming.contracts.reasons import Reason, pointer, printable, shorten

MAX_DEPTH = 64  # events are flat; below this both Python's and jsonschema-rs' recursion limits are far away
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**64 - 1
_JSON_RULES_SHOWN = 20
_TAME = frozenset({int, float, bool, type(None)})  # nothing can be wrong with these; a number out of range is a _Huge


class _Huge(float):
    """A number out of range (or NaN, Infinity), with the text it was written as and what it should be."""

    text = ""
    expected = "a finite number"

    @classmethod
    def of(cls, text: str, expected: str = expected) -> _Huge:
        number = cls("nan")
        number.text, number.expected = text, expected
        return number


class _Doubled(dict[str, Any]):
    """An object with a key that stands there twice."""

    key = ""


def parse(value: bytes) -> tuple[Any, list[Reason]]:
    """Parse one JSON text strictly: UTF-8, no duplicate keys, finite numbers, no NUL, no lone surrogates, little depth.

    Returns the value and no reasons, or anything and the reasons. Integers beyond 64 bits are refused: not every reader of the
    event would see the same number.
    Raises nothing, whatever the bytes are.
    """
    document, reasons = _read(_DECODER, value)
    return (None, reasons) if reasons else (document, _faults(document))


def broken(value: bytes) -> list[Reason]:
    """As `parse` of bytes that are no JSON text at all, at half the cost; no reasons where they may be one."""
    # The parser's place is the same whatever it makes of what it reads; what lies deep may reach a limit of Python's on one way only.
    return _read(_PLAIN, value)[1] if value.count(b"{") + value.count(b"[") < MAX_DEPTH else []


def cut(value: bytes) -> list[Reason]:
    r"""As `parse` of bytes that are JSON of a flat object as far as they go, and end inside a text; no reasons where they may not.

    >>> cut(b'{"plan": "fr')
    [Reason(path='', rule='json', value='"\\"fr"', expected='(Unterminated string starting at at character 9)')]
    """
    start = value.rfind(b'"') + 1
    if value.count(b'"') % 2 == 0 or b"\\" in value or not (value.isascii() and value[start:].decode().isprintable()):
        return []
    return [_no_json(value.decode(), "Unterminated string starting at", start - 1)]


def _read(decoder: json.JSONDecoder, value: bytes) -> tuple[Any, list[Reason]]:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError as error:
        return None, [Reason("", "encoding", f"byte {value[error.start]:#04x} at {error.start}", "UTF-8")]
    try:
        return decoder.decode(text), []
    except json.JSONDecodeError as error:
        return None, [_no_json(text, error.msg, error.pos)]
    except RecursionError:
        return None, [Reason("", "depth", "", f"at most {MAX_DEPTH}")]


def _no_json(text: str, fault: str, place: int) -> Reason:
    return Reason("", "json", shorten(text[place : place + 20]), f"({fault} at character {place})")


def _faults(document: Any) -> list[Reason]:
    """Walk a parsed document without recursion and tell what must not be in it."""
    found: list[Reason] = []
    stack: list[tuple[Any, tuple[object, ...]]] = [(document, ())]
    while stack and len(found) < _JSON_RULES_SHOWN:
        node, path = stack.pop()
        if len(path) > MAX_DEPTH:
            return [Reason(pointer(*path[:1]), "depth", "", f"at most {MAX_DEPTH}")]
        if isinstance(node, dict):
            if isinstance(node, _Doubled):
                found.append(Reason(pointer(*path, node.key), "duplicate_key"))
            faulty = ((key, rule) for key in node if (rule := _text_fault(key)))
            found += [Reason(pointer(*path, key), rule) for key, rule in islice(faulty, _JSON_RULES_SHOWN)]
            stack += [(item, (*path, key)) for key, item in node.items() if type(item) not in _TAME]
        elif isinstance(node, list):
            stack += [(item, (*path, place)) for place, item in enumerate(node) if len(path) == MAX_DEPTH or type(item) not in _TAME]
        elif isinstance(node, str) and (rule := _text_fault(node)):
            found.append(Reason(pointer(*path), rule, shorten(printable(node[:80]))))
        elif isinstance(node, _Huge):
            found.append(Reason(pointer(*path), "number_range", shorten(node.text).strip('"'), node.expected))
    return sorted(found)


def _text_fault(text: str) -> str:
    if text.isascii():
        return "nul_character" if "\0" in text else ""
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "encoding"
    return "nul_character" if "\0" in text else ""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) == len(pairs):
        return document
    seen: set[str] = set()
    doubled = _Doubled(document)
    doubled.key = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    return doubled


def _float(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _Huge.of(text)


def _integer(text: str) -> int | float:
    # Python refuses to read thousands of digits as an integer; 20 characters hold every one that is wanted.
    if len(text) <= 20:
        number = int(text)
        if MIN_INTEGER <= number <= MAX_INTEGER:
            return number
    return _Huge.of(text, "an integer of 64 bits")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_int=_integer, parse_constant=_Huge.of)
_PLAIN = json.JSONDecoder(parse_int=float)  # Python refuses to read thousands of digits as an integer
