"""The contenders: each takes an Arrow column of JSON texts, as a Spark worker gets it, decodes and judges every one.

Each is set up as its own documentation shows for the same schema, with every switch that makes it stricter: times with a zone,
finite numbers, unknown fields refused, and the hooks of the standard parser against doubled keys and NaN. None but ours claims
to be exact; how far the others are from it is counted, not assumed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal, NoReturn, Protocol
from uuid import UUID

import fastjsonschema
import jsonschema
import jsonschema_rs
import msgspec
import pyarrow as pa
import pydantic

from streaming.contracts.fields import Field
from streaming.contracts.schema import Contract

Verdicts = Mapping[int, object]
"""Why events are bad, by place; those not in it were accepted."""
_PYTHON: dict[str, Any] = {"string": str, "integer": int, "number": float, "boolean": bool}
_BOUNDS = {"minimum": "ge", "maximum": "le"}
_LENGTHS = {"minLength": "min_length", "maxLength": "max_length"}
_UUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_UNREADABLE = (ValueError, RecursionError)  # of json: no JSON, no UTF-8, too deep


class Judge(Protocol):
    """One way to validate a batch."""

    def __call__(self, values: pa.BinaryArray, /) -> tuple[object, Verdicts]:
        """Decode and judge; returns what was decoded, in the contender's own form, and the verdicts."""
        ...


@dataclass(frozen=True)
class Contender:
    """One way to validate. gives: what accepted events become; reasons: all, first, or none of what is wrong with the others."""

    name: str
    gives: str
    reasons: Literal["all", "first", "none"]
    judge: Judge


def contenders(contract: Contract) -> list[Contender]:
    """Every contender but Spark, which is not one process, set up for one schema. Ours comes first."""
    document = contract.resolved
    return [
        Contender("ours", "columns", "all", _ours(contract)),
        Contender(
            "msgspec", "objects", "first", _each(msgspec.json.Decoder(_struct(contract)).decode, msgspec.MsgspecError, UnicodeDecodeError)
        ),
        Contender("msgspec to columns", "columns", "first", _in_columns(contract)),
        Contender("pydantic", "objects", "all", _pydantic(contract)),
        Contender("jsonschema-rs", "objects", "all", _jsonschema_rs(document)),
        Contender("fastjsonschema", "objects", "first", _fastjsonschema(document)),
        Contender("jsonschema", "objects", "all", _jsonschema(document)),
    ]


def _ours(contract: Contract) -> Judge:
    def judge(values: pa.BinaryArray) -> tuple[object, Verdicts]:
        decoded = contract.decode(values)
        return decoded.rows, decoded.rejected

    return judge


def _each(decode: Callable[[bytes], Any], *errors: type[Exception]) -> Judge:
    """Decodes one event after the other; an error's text is the reason."""

    def judge(values: pa.BinaryArray) -> tuple[list[Any], Verdicts]:
        good, bad = [], {}
        for place, value in enumerate(values.to_pylist()):
            try:
                good.append(decode(value))
            except errors as error:
                bad[place] = str(error)
        return good, bad

    return judge


def _in_columns(contract: Contract) -> Judge:
    """A Struct and then what a scorer of batches needs: one Arrow column for each field."""
    decode = _each(msgspec.json.Decoder(_struct(contract)).decode, msgspec.MsgspecError, UnicodeDecodeError)
    names = [f"f{place}" for place in range(len(contract.fields))]
    texts = [field.limits.get("format") == "uuid" for field in contract.fields]

    def judge(values: pa.BinaryArray) -> tuple[object, Verdicts]:
        good, bad = decode(values)
        rows: Sequence[Any] = good if isinstance(good, list) else []
        columns = [[getattr(row, name) for row in rows] for name in names]
        read = [map(str, column) if text else column for column, text in zip(columns, texts, strict=True)]
        return [pa.array(column, field.arrow) for column, field in zip(read, contract.fields, strict=True)], bad

    return judge


def _struct(contract: Contract) -> type[msgspec.Struct]:
    time = Annotated[datetime, msgspec.Meta(tz=True)]
    annotation = partial(_annotation, time=time, number=float, limited=msgspec.Meta)
    members = [(f"f{place}", annotation(f), *(() if f.required else (None,))) for place, f in enumerate(contract.fields)]
    names = {f"f{place}": field.name for place, field in enumerate(contract.fields)}
    return msgspec.defstruct("Event", members, kw_only=True, forbid_unknown_fields=True, rename=names, gc=False)


def _annotation(field: Field, time: Any, number: Any, limited: Callable[..., Any]) -> Any:
    """The type that states a field's constraints, as a person would write it for msgspec or pydantic."""
    kind = {**_PYTHON, "timestamp": time, "number": number}[field.kind]
    if field.choices is not None:
        kind = Literal[field.choices]
    elif field.limits.get("format") == "uuid":
        kind = UUID
    else:
        limits = {**_BOUNDS, **({} if field.kind == "timestamp" else _LENGTHS)}
        found = {limits[keyword]: value for keyword, value in field.limits.items() if keyword in limits}
        kind = Annotated[kind, limited(**found)] if found else kind
    return kind | None if field.nullable else kind


def _pydantic(contract: Contract) -> Judge:
    annotation = partial(_annotation, time=pydantic.AwareDatetime, number=pydantic.FiniteFloat, limited=pydantic.Field)
    members: dict[str, Any] = {f.name: (annotation(f), ... if f.required else None) for f in contract.fields}
    model = pydantic.create_model("Event", __config__=pydantic.ConfigDict(extra="forbid", strict=True), **members)
    return _each(pydantic.TypeAdapter(model).validate_json, pydantic.ValidationError)


def _jsonschema_rs(document: Mapping[str, Any]) -> Judge:
    validator = jsonschema_rs.Draft202012Validator(dict(document), validate_formats=True)
    return _parsed(validator.is_valid, lambda event: [error.message for error in validator.iter_errors(event)])


def _jsonschema(document: Mapping[str, Any]) -> Judge:
    validator = jsonschema.Draft202012Validator(document, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    return _parsed(validator.is_valid, lambda event: [error.message for error in validator.iter_errors(event)])


def _fastjsonschema(document: Mapping[str, Any]) -> Judge:
    validate = fastjsonschema.compile(dict(document), formats={"uuid": _UUID})
    return _each(lambda value: validate(_loads(value)), fastjsonschema.JsonSchemaValueException, *_UNREADABLE)


def _loads(value: bytes) -> Any:
    """By the standard library, as strictly as its hooks allow."""
    return json.loads(value, parse_constant=_refuse, object_pairs_hook=_object)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _parsed(is_valid: Callable[[Any], bool], explain: Callable[[Any], list[Any]]) -> Judge:
    """Parses, judges, and explains what is bad."""

    def judge(values: pa.BinaryArray) -> tuple[list[Any], Verdicts]:
        good: list[Any] = []
        bad: dict[int, object] = {}
        for place, value in enumerate(values.to_pylist()):
            try:
                event = _loads(value)
            except _UNREADABLE as error:
                bad[place] = str(error)
                continue
            if is_valid(event):
                good.append(event)
            else:
                bad[place] = explain(event)
        return good, bad

    return judge
