"""Events with one fault, told at little more than the cost of a good event: without parsing them strictly and as a whole.

msgspec names the first field that breaks its type. Read again with that field as it is written, an event that is right
otherwise takes part in the checks of whole columns, and the one value is judged alone. Events with the same fault are read
together, and values that come again are judged once. Everything else (several faults, nested values) is for the exact path,
whose reasons these are, word for word.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from operator import attrgetter, ne
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from streaming.contracts.alone import Alone
from streaming.contracts.checks import Part
from streaming.contracts.fields import Field
from streaming.contracts.reasons import Reason, pointer
from streaming.contracts.strict_json import broken, cut, parse
from streaming.contracts.structs import read_each, struct_of

LONGEST_NAME = 100
UNKNOWN_NAMES = 64  # unknown fields whose events are read here, at least: each has a decoder of its own
LONGEST_EVENT = 4000  # bytes; one with more values than are all told is longer
MOST_FIELDS = 1000
_TRUNCATED = "Input data was truncated"
_CONSTANTS = (b"NaN", b"Infinity")
_AT = " - at `$."
_MISSING, _UNKNOWN = "Object missing required field `", "Object contains unknown field `"


@dataclass
class Faulty:
    """Events with one fault each.

    places: in the batch; parts: which field of which of them is wrong, and holds a value of the right type instead; quotes: how
    many more quotation marks each has than it would have with that value; reasons: of each; broken: reasons of events that are
    no JSON, by place in the batch.
    """

    places: list[int] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    quotes: list[int] = field(default_factory=list)
    reasons: list[Sequence[Reason]] = field(default_factory=list)
    broken: dict[int, Sequence[Reason]] = field(default_factory=dict)
    events: list[Any] = field(default_factory=list)

    def items(self, place: int) -> list[Any]:
        """The values of the field in this place of the schema."""
        return list(map(attrgetter(f"f{place}"), self.events))


class _Loose(NamedTuple):
    """Reads events with one field as it is written. filler: what then takes its place, with how many quotation marks it counts."""

    decode: Callable[[bytes], Any]
    member: str
    filler: Any
    counted: int


class _Kind(NamedTuple):
    """What may be all that is wrong with an event: the field, and the constant that stood there if it is read with a 0 instead."""

    name: str
    constant: bytes | None = None


_Suspects = dict[int, bytes]
"""Events as they are read here, by place."""


class OneFault:
    """Reads again what the types of a schema refuse."""

    def __init__(self, fields: Sequence[Field], alone: Alone, *, wide: bool) -> None:
        """fields: of a schema; alone: of the same; wide: numbers may be out of range."""
        self._fields, self._alone = fields, alone
        self._by_name = {field.name: field for field in fields}
        self._doubled = {field.name.encode(): [Reason(pointer(field.name), "duplicate_key")] for field in fields}
        self._has_nested, self._is_wide = any(field.kind == "json" for field in fields), wide
        self._loose: dict[str, _Loose] = {}

    def read(self, texts: Sequence[bytes], refused: Mapping[int, Exception]) -> Faulty:
        """What is wrong with the events that were refused with these errors, by place, as far as it is one value, or no JSON at all."""
        found = Faulty()
        for kind, suspects in self._suspects(texts, refused).items():
            self._read(kind, suspects, found)
        told = set(found.places)
        for place, error in refused.items():
            if place in told or isinstance(error, msgspec.ValidationError):
                continue
            if reasons := self._no_json(texts[place], str(error)):
                found.broken[place] = reasons
        return found

    def _no_json(self, text: bytes, message: str) -> Sequence[Reason]:
        ends_early = message == _TRUNCATED and not self._has_nested
        return (cut(text) if ends_early else ()) or broken(text) or parse(text)[1]

    def doubled(self, value: bytes) -> Sequence[Reason]:
        """The reasons of an event that msgspec took and whose texts are more than its fields need, if a doubled key is surely the one."""
        if self._has_nested or self._is_wide or b"\\" in value:
            return ()  # other faults of the JSON would be told with it
        names = list(filter(self._doubled.__contains__, value.split(b'"')[1::2]))
        once = dict.fromkeys(names)
        if len(names) != len(once) + 1:
            return ()
        return self._doubled[next(compress(names, map(ne, names, once)), names[-1])]

    def _suspects(self, texts: Sequence[bytes], refused: Mapping[int, Exception]) -> Mapping[_Kind, _Suspects]:
        """Events by what may be all that is wrong with them."""
        by_kind = defaultdict[_Kind, _Suspects](dict)
        if len(self._fields) > MOST_FIELDS:
            return by_kind  # of an event with so many values the exact path tells only the first reason
        by_message = defaultdict[str, _Suspects](dict)
        for place, error in refused.items():
            text = texts[place]
            if self._has_nested and len(text) > LONGEST_EVENT:
                continue
            if isinstance(error, msgspec.ValidationError):
                by_message[str(error)][place] = text
            elif str(error) != _TRUNCATED and (found := _constant(text)) is not None:
                by_kind[found[0]][place] = found[1]
        for message, suspects in by_message.items():
            name = _named(message)
            if name is not None:
                by_kind[_Kind(name)] |= suspects
        return by_kind

    def _read(self, kind: _Kind, suspects: _Suspects, found: Faulty) -> None:
        """Read events with one field as it is written, and add those with no other fault that shows."""
        loose = self._loose.get(kind.name) or self._loosen(kind.name)
        if loose is None:
            return
        events, refused = read_each(map(loose.decode, suspects.values()))
        places = [place for row, place in enumerate(suspects) if row not in refused] if refused else list(suspects)
        values = [b"" if raw is UNSET else bytes(raw) for raw in map(attrgetter(loose.member), events)]
        if kind.constant is not None:
            kept = [value == b"0" for value in values]
            events, places = list(compress(events, kept)), list(compress(places, kept))
            values = [kind.constant] * len(places)
        start = len(found.events)
        for event, place, value, told in zip(events, places, values, self._alone.reasons(kind.name, values), strict=True):
            if told:
                setattr(event, loose.member, loose.filler)
                found.events.append(event)
                found.places.append(place)
                found.quotes.append((2 + value.count(b'"') if value else 0) - loose.counted)
                found.reasons.append(told)
        found.parts.append(Part(kind.name, start, len(found.events)))

    def _loosen(self, name: str) -> _Loose | None:
        """The reader of events in which one field, known or not, may be missing or hold anything."""
        spec: dict[str, Any] = {"kind": "json", "required": False, "nullable": True, "choices": None, "limits": {}}
        field = self._by_name.get(name)
        if field is not None and field.kind != "json":
            fields = [replace(each, **spec) if each is field else each for each in self._fields]
            filler = _filler(field)
            made = _Loose(_decoder(fields), f"f{self._fields.index(field)}", filler, 4 if isinstance(filler, str) else 2)
        elif field is None and len(self._loose) < len(self._fields) + UNKNOWN_NAMES and _can_be_read(name):
            fields = [*self._fields, replace(self._fields[0], name=name, **spec)]
            made = _Loose(_decoder(fields), f"f{len(self._fields)}", UNSET, 0)
        else:
            return None
        self._loose[name] = made
        return made


def _named(message: str) -> str | None:
    """The field that an error of msgspec names.

    >>> _named("Expected `int`, got `str` - at `$.tenure`"), _named("Object missing required field `tenure`")
    ('tenure', 'tenure')
    """
    _, at, name = message.rpartition(_AT)
    if at and not message.startswith(_UNKNOWN):
        return name[:-1]
    return next((message[len(start) : -1] for start in (_MISSING, _UNKNOWN) if message.startswith(start)), None)


def _constant(value: bytes) -> tuple[_Kind, bytes] | None:
    """Of an event with NaN or Infinity: what that is of which field, and the event with 0 in its place."""
    for constant in _CONSTANTS:
        start = value.find(constant)
        if start >= 0:
            begin, end = start - (value[start - 1 : start] == b"-"), start + len(constant)
            close = value.rfind(b'"', 0, begin)
            name = value[value.rfind(b'"', 0, max(close, 0)) + 1 : max(close, 0)]
            return _Kind(name.decode(errors="replace"), value[begin:end]), value[:begin] + b"0" + value[end:]
    return None


def _decoder(fields: Sequence[Field]) -> Callable[[bytes], Any]:
    return msgspec.json.Decoder(struct_of(fields)).decode


def _filler(field: Field) -> Any:
    """What a column of the field can hold and no check refuses."""
    if field.kind == "string":
        return None if "format" in field.limits else ""
    return {"timestamp": None, "integer": 0, "number": 0.0, "boolean": False}[field.kind]


def _can_be_read(name: str) -> bool:
    """Whether msgspec can name a field so."""
    return len(name) <= LONGEST_NAME and name.isprintable() and '"' not in name and "\\" not in name
