"""A mapping from events as they were sent to events as the contract wants them: written down, applied, recorded.

    rename.tenureMonths = "tenure"             # a field's name
    replace.contract."Monthly" = "Month-to-month"   # a field's text
    cast.tenure = "integer"                    # "12" becomes 12; what cannot be cast stays as it is
    default.paperless_billing = false          # where the field is missing
They are applied in this order, to JSON objects alone; where those lie in a message, streaming.replay.enclosed knows. A field that
no rule touches keeps its bytes; so does an event.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from streaming.config import parse, read_toml
from streaming.contracts.strict_json import parse as parse_strictly

Kind = Literal["integer", "number", "string", "boolean"]
_LARGEST = 2**63  # an event's numbers are of 64 bits
_TOLD_BYTES = 1000
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}


def _writable(value: str | float | bool) -> str | float | bool:
    if (isinstance(value, float) and not math.isfinite(value)) or (isinstance(value, int) and abs(value) >= _LARGEST):
        raise ValueError("is not a number that an event can hold; give a finite one of 64 bits")
    return value


Scalar = Annotated[str | int | float | bool, AfterValidator(_writable)]


class Mapping(BaseModel):
    """The rules of a mapping file, by the field's name."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    rename: dict[str, str] = Field(default={}, description="old name → new name; stays where the new one is there already")
    replace: dict[str, dict[str, Scalar]] = Field(default={}, description="field → text found → value to put in its place")
    cast: dict[str, Kind] = Field(default={}, description="field → type")
    default: dict[str, Scalar] = Field(default={}, description="field → value where it is missing")

    @model_validator(mode="after")
    def _one_source_each(self) -> Self:
        sources: dict[str, str] = {}
        for old, new in self.rename.items():
            if new in sources:
                raise ValueError(f"rename: {sources[new]} and {old} both become {new}, which would lose a value; keep one of them")
            sources[new] = old
        return self

    @property
    def digest(self) -> str:
        """sha256 of the rules, hex."""
        return sha256(self.text.encode()).hexdigest()

    @property
    def told(self) -> bytes:
        """What a replayed event's header says of the rules: their text, or `sha256:<hex>` where that is over 1 kB.

        >>> Mapping(cast={"tenure": "integer"}).told
        b'{"cast": {"tenure": "integer"}}'
        """
        text = json.dumps(self.model_dump(exclude_defaults=True), sort_keys=True).encode()
        return text if len(text) <= _TOLD_BYTES else f"sha256:{self.digest}".encode()

    @property
    def changes_nothing(self) -> bool:
        """Whether there are no rules."""
        return not any((self.rename, self.replace, self.cast, self.default))

    @property
    def text(self) -> str:
        """The rules as canonical JSON: what is recorded."""
        return json.dumps(self.model_dump(), sort_keys=True)

    def apply(self, value: bytes) -> bytes | None:
        """An event's JSON text after the mapping, the same bytes where no rule changes anything; None if it is no JSON object.

        >>> Mapping(cast={"tenure": "integer"}).apply(b'{"tenure": "12", "price": 1.10}')
        b'{"tenure":12,"price":1.10}'
        """
        document, faults = parse_strictly(value)
        if faults or not isinstance(document, dict):
            return None
        fields: dict[str, Any] = msgspec.json.decode(value, type=dict[str, msgspec.Raw])
        mapped = self._mapped(document)
        if mapped == document and [*mapped] == [*document] and all(type(mapped[name]) is type(document[name]) for name in mapped):
            return value
        origins = {self.rename.get(name, name) if self._renames(name, document) else name: name for name in document}
        return msgspec.json.encode({name: _kept(item, document, fields, origins.get(name)) for name, item in mapped.items()})

    def _renames(self, name: str, document: dict[str, Any]) -> bool:
        return name in self.rename and self.rename[name] not in document

    def _mapped(self, document: dict[str, Any]) -> dict[str, Any]:
        fields = {self.rename[name] if self._renames(name, document) else name: item for name, item in document.items()}
        for name, table in self.replace.items():
            if isinstance(fields.get(name), str):
                fields[name] = table.get(fields[name], fields[name])
        for name, kind in self.cast.items():
            if name in fields:
                fields[name] = _CASTS[kind](fields[name])
        return fields | {name: item for name, item in self.default.items() if name not in fields}


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file (TOML). Raises ConfigError, one line that names the file and the key."""
    return parse(Mapping, read_toml(path), path)


def _kept(item: Any, document: dict[str, Any], fields: dict[str, Any], origin: str | None) -> Any:
    """A value of which nothing was changed as the bytes that it came in: 1.10 does not become 1.1."""
    if origin is None or type(document[origin]) is not type(item) or document[origin] != item:
        return item
    return fields[origin]


def _integer(item: Any) -> Any:
    if isinstance(item, float):
        return int(item) if item.is_integer() and abs(item) < _LARGEST else item
    text = item.strip() if isinstance(item, str) else ""
    return int(text) if text.isascii() and text.removeprefix("-").isdecimal() and len(text) < 20 else item


def _number(item: Any) -> Any:
    if not isinstance(item, str):
        return item
    try:
        found = json.loads(item.strip(), parse_constant=lambda _: item)
    except ValueError:
        return item
    if isinstance(found, bool) or not isinstance(found, int | float):
        return item
    return found if abs(found) < (_LARGEST if isinstance(found, int) else math.inf) else item


def _string(item: Any) -> Any:
    return json.dumps(item) if isinstance(item, int | float) else item


def _boolean(item: Any) -> Any:
    if isinstance(item, int | str):
        return _BOOLEANS.get(str(item).strip().lower(), item)
    return item


_CASTS: dict[str, Callable[[Any], Any]] = {"integer": _integer, "number": _number, "string": _string, "boolean": _boolean}
