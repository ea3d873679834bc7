"""A Great Expectations suite from a contract, for tables and samples: the same verdict a row as the contract's own check.

A prepared frame has two columns for each field: `<field>.type`, the JSON type of the value, "null" or "absent"; and `<field>`,
the value, None where its type is not the field's. So a text among numbers breaks the type and nothing else, and null and
absent differ as they do in JSON. One more column, `.unknown`, names the fields that the contract does not know, None if none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from streaming.contracts import Contract
from streaming.contracts.fields import Field
from streaming.contracts.reasons import SHOWN_NAME, clip, printable
from streaming.records import rfc3339

TYPE = ".type"
UNKNOWN = ".unknown"
UUID = r"^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z"
RULES = ("type", "required", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
"""Rules that an expectation tells exactly for every field; minLength, maxLength, pattern and the format uuid for texts."""
_TEXT_RULES = ("minLength", "maxLength", "pattern")
_TYPES: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
    bytes: "binary",  # JSON has no such type, and so no field allows it
}
_EVERY_TYPE = ("string", "integer", "number", "boolean", "array", "object", "null")


class Expected(msgspec.Struct, frozen=True):
    """One expectation. path, rule: what our reasons would say; expectation: Great Expectations' class; arguments: of it.

    personal: the field is about a person (x-sensitivity), so that no value of it may be shown.
    """

    path: str
    rule: str
    expectation: str
    arguments: dict[str, Any]
    personal: bool = False


def expected_of(contract: Contract, *, metadata: bool = True) -> list[Expected]:
    """Every keyword of the contract that Great Expectations can express, field by field.

    metadata: whether the data hold the fields with that role (ids, times); a training table often does not.
    """
    known = [
        msgspec.structs.replace(expected, personal=field.words.sensitivity == "personal")
        for field in _fields(contract, metadata)
        for expected in _of_field(field)
    ]
    return [*known, Expected("", "additionalProperties", "ExpectColumnValuesToBeNull", {"column": UNKNOWN})]


def suite_name(contract: Contract) -> str:
    """Name of the suite of a contract, as customer_activity_v1."""
    return f"{contract.event}_v{contract.version}"


def inexpressible(contract: Contract, *, metadata: bool = True) -> dict[str, list[str]]:
    """Field → keywords that no expectation of Great Expectations tells exactly; "" → rules that tie fields together.

    These are format other than uuid, multipleOf, what is inside objects and arrays, allOf and its kin, and dependencies.
    """
    found = {field.name: _inexpressible(field) for field in _fields(contract, metadata)}
    apart = {"type", "properties", "required", "additionalProperties", "title", "description", "examples", "$defs"}
    ties = sorted(keyword for keyword in contract.resolved if keyword not in apart and keyword[0] not in "$x")
    return {name: keywords for name, keywords in (found | {"": ties}).items() if keywords}


def prepare_rows(rows: Sequence[Mapping[str, Any]], contract: Contract, *, metadata: bool = True) -> pd.DataFrame:
    """A prepared frame from rows of JSON values; a key that is not there is absent. Index: 0, 1, …"""
    fields = _fields(contract, metadata)
    columns: dict[str, list[Any]] = {}
    for field in fields:
        values = [row.get(field.name) for row in rows]
        types = ["absent" if field.name not in row else _json_type(value) for row, value in zip(rows, values, strict=True)]
        fits = [kind in _allowed(field) for kind in types]
        columns[field.name] = [_plain(value, field) if fit else None for value, fit in zip(values, fits, strict=True)]
        columns[field.name + TYPE] = types
    known = {field.name for field in fields}
    columns[UNKNOWN] = [_names(name for name in row if name not in known) for row in rows]
    return pd.DataFrame(columns, index=range(len(rows)), dtype=object)


def prepare_table(frame: pd.DataFrame, contract: Contract, *, metadata: bool = True) -> pd.DataFrame:
    """A prepared frame from a table, in which a missing value (None, NaN, NaT) is absent where the field is optional, else null.

    Tables cannot tell the two apart. Times become RFC 3339 texts; one without a zone is in UTC.
    """
    # Columns that the contract does not know stay, so that they are found; the target of training is none of them.
    target = contract.target["field"] if contract.target is not None and contract.environment == "training" else None
    optional = {field.name for field in contract.fields if not field.required}
    known = frame.drop(columns=[target] if target in frame and target not in {field.name for field in contract.fields} else [])
    rows = []
    for values in known.itertuples(index=False, name=None):
        cells = {str(name): _scalar(value) for name, value in zip(known.columns, values, strict=True)}
        rows.append({name: value for name, value in cells.items() if value is not None or name not in optional})
    return prepare_rows(rows, contract, metadata=metadata)


def _fields(contract: Contract, metadata: bool) -> list[Field]:
    return [field for field in contract.fields if metadata or field.role != "metadata"]


def _of_field(field: Field) -> Iterable[Expected]:
    path, limits = f"/{field.name}", field.limits
    column = {"column": field.name}
    types = _allowed(field)
    yield Expected(path, "type", "ExpectColumnValuesToBeInSet", {"column": field.name + TYPE, "value_set": [*types, "absent"]})
    if field.required:
        yield Expected(path, "required", "ExpectColumnValuesToNotBeInSet", {"column": field.name + TYPE, "value_set": ["absent"]})
    if field.kind == "json":
        return
    for keyword in ("enum", "const"):
        if keyword in limits:
            choices = limits["enum"] if keyword == "enum" else [limits["const"]]
            values = [choice for choice in choices if choice is not None]
            yield Expected(path, keyword, "ExpectColumnValuesToBeInSet", column | {"value_set": values})
            if "null" in types and None not in choices:  # to the expectation above a null is no value
                yield Expected(path, keyword, "ExpectColumnValuesToNotBeInSet", {"column": field.name + TYPE, "value_set": ["null"]})
    for keyword, argument in (
        ("minimum", "min_value"),
        ("exclusiveMinimum", "min_value"),
        ("maximum", "max_value"),
        ("exclusiveMaximum", "max_value"),
    ):
        if keyword in limits:
            strict = {f"strict_{argument[:3]}": True} if keyword.startswith("exclusive") else {}
            yield Expected(path, keyword, "ExpectColumnValuesToBeBetween", column | {argument: limits[keyword]} | strict)
    yield from _of_text(field, path, column)


def _allowed(field: Field) -> list[str]:
    """JSON types that the field may have."""
    named = field.limits.get("type", _EVERY_TYPE)
    types = [named] if isinstance(named, str) else list(named)
    return [*types, "integer"] if "number" in types and "integer" not in types else types


def _of_text(field: Field, path: str, column: dict[str, Any]) -> Iterable[Expected]:
    for keyword, argument in (("minLength", "min_value"), ("maxLength", "max_value")):
        if keyword in field.limits:
            yield Expected(path, keyword, "ExpectColumnValueLengthsToBeBetween", column | {argument: field.limits[keyword]})
    if "pattern" in field.limits:
        yield Expected(path, "pattern", "ExpectColumnValuesToMatchRegex", column | {"regex": field.limits["pattern"]})
    if field.limits.get("format") == "uuid":
        yield Expected(path, "format", "ExpectColumnValuesToMatchRegex", column | {"regex": UUID})


def _inexpressible(field: Field) -> list[str]:
    told = {*RULES, *_TEXT_RULES} if field.kind != "json" else {"type", "required"}
    return sorted(
        keyword for keyword in field.limits if keyword not in told and not (keyword == "format" and field.limits["format"] == "uuid")
    )


def _json_type(value: Any) -> str:
    """JSON type of a value; 3.0 is an integer, as JSON Schema has it."""
    kind = _TYPES[type(value)]
    return "integer" if kind == "number" and float(value).is_integer() else kind


def _names(names: Iterable[str]) -> str | None:
    return clip(printable(", ".join(sorted(names))), SHOWN_NAME) or None


def _plain(value: Any, field: Field) -> Any:
    return str(value) if field.kind == "json" else value


def _scalar(value: Any) -> Any:
    """A cell as a JSON value."""
    if isinstance(value, list | dict | np.ndarray):
        return value.tolist() if isinstance(value, np.ndarray) else value
    if pd.isna(value):
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, datetime):
        return rfc3339(value if value.tzinfo is not None else value.replace(tzinfo=UTC))
    if isinstance(value, date):
        return value.isoformat()
    return value if type(value) in _TYPES else str(value)
