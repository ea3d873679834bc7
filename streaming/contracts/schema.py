"""A contract: one published version of an event's JSON Schema, ready to decode and judge events.

Supported: a flat object of scalars, rules that tie them together, and metadata of any shape. Anything else in a schema
is refused when it is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import jsonschema_rs
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from streaming.contracts.compile import FastPath
from streaming.contracts.exact import ExactPath, Row
from streaming.contracts.fields import Field, field_of
from streaming.contracts.fitting import impossible_rule
from streaming.contracts.keywords import EVENT_RULES, check_keywords, check_nested, children
from streaming.contracts.literals import check_numbers
from streaming.contracts.reasons import Reason, message_of
from streaming.contracts.resolve import definitions, only, resolve
from streaming.contracts.rules import rules_of, unknown_name
from streaming.contracts.strict_json import parse
from streaming.contracts.validator import compiled
from streaming.contracts.vocabulary import ENVIRONMENTS, EVENT_WORDS, FIELD_WORDS, Environment, Producer, owner_of, producer_of, target_of
from streaming.errors import ContractError
from streaming.records import event_column

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NAMING = ("x-entity", "x-event-id", "x-event-time")
_TOP = {"$schema", "$id", "$comment", "title", "description", "examples", "$defs", "type", "properties", "required", "additionalProperties"}
_NAME_LENGTH = 512  # characters of an entity or an event id
_FILE = re.compile(r"v([1-9][0-9]*)\.json")


@dataclass(frozen=True)
class Decoded:
    """A batch held to a contract.

    rows: columns `event.<field>` of the valid rows, in order; places: their places in the batch, int64, ascending;
    rejected: place → reasons, at least one, of every other row; events that are wrong in the same way share them.
    """

    rows: pa.RecordBatch
    places: NDArray[np.int64]
    rejected: Mapping[int, Sequence[Reason]]


@dataclass(frozen=True)
class Contract:
    """One version of an event. Compiled at first use; may be pickled."""

    event: str
    version: int
    fields: tuple[Field, ...]
    entity: str
    event_id: str | None
    event_time: str
    target: Mapping[str, Any] | None
    document: Mapping[str, Any]
    environment: Environment
    owner: str
    producer: Producer

    @cached_property
    def resolved(self) -> dict[str, Any]:
        """The document without references, and without the fields of other environments: what events are held to."""
        return only(resolve(self.document, self.event), self.environment)

    @property
    def features(self) -> list[str]:
        """Names of the fields with the role feature, in the schema's order."""
        return [field.name for field in self.fields if field.role == "feature"]

    @cached_property
    def arrow_schema(self) -> pa.Schema:
        """Columns `event.<field>` in the schema's order: string, int64, float64, bool, timestamp[us, UTC]."""
        return pa.schema([(event_column(field.name), field.arrow) for field in self.fields])

    @cached_property
    def exact(self) -> ExactPath:
        """The exact path of this schema."""
        return ExactPath(self.resolved, self.fields)

    @cached_property
    def fast(self) -> FastPath:
        """The fast path of this schema."""
        return FastPath(self.fields, rules_of(self.resolved, self.fields), self.exact.alone)

    def check(self, value: bytes) -> list[Reason]:
        """All reasons why these bytes are no valid event; empty if they are one. Raises nothing."""
        return self.exact.decode(value)[1]

    def decode(self, values: pa.BinaryArray) -> Decoded:
        """Decode a batch of JSON texts without nulls. Raises nothing, whatever the bytes are."""
        columns, places, told = self.fast.decode(values)
        fast = pa.RecordBatch.from_arrays(columns, schema=self.arrow_schema)
        if len(places) == len(values):
            return Decoded(fast, places, {})
        others = np.delete(np.arange(len(values)), np.concatenate([places, np.fromiter(told, dtype=np.int64)]))
        judged = dict(zip(others.tolist(), map(self.exact.decode, values.take(pa.array(others)).to_pylist()), strict=True))
        rejected = told | {place: reasons for place, (_, reasons) in judged.items() if reasons}
        mended = {place: row for place, (row, reasons) in judged.items() if not reasons}
        return Decoded(*self._merged(fast, places, mended), dict(sorted(rejected.items())))

    def _merged(self, fast: pa.RecordBatch, places: NDArray[np.int64], mended: Mapping[int, Row]) -> tuple[pa.RecordBatch, Any]:
        if not mended:
            return fast, places
        columns = zip(*mended.values(), strict=True)
        exact = [pa.array(column, field.arrow) for column, field in zip(columns, self.fields, strict=True)]
        every = np.concatenate([places, np.fromiter(mended, dtype=np.int64)])
        order = np.argsort(every)
        merged = [pa.concat_arrays([a, b]).take(pa.array(order)) for a, b in zip(fast.columns, exact, strict=True)]
        return pa.RecordBatch.from_arrays(merged, schema=self.arrow_schema), every[order]

    def __reduce__(self) -> tuple[Any, ...]:
        # Compiled validators cannot be pickled; a worker compiles its own.
        return parse_contract, (self.document, self.event, self.version, f"{self.event} v{self.version}", self.environment)


def load_contract(path: Path, environment: Environment = "serving") -> Contract:
    """Load schemas/<event>/v<N>.json as it holds in an environment (in training, targets are fields).

    Raises ContractError, one line that names file, place and what to do.
    """
    matched = _FILE.fullmatch(path.name)
    if matched is None:
        raise ContractError(f"{path}: a schema file is named <event>/v<N>.json, N from 1; rename it")
    return parse_contract(read_schema(path), path.parent.name, int(matched[1]), str(path), environment)


def load_contracts(folder: Path, event: str) -> dict[int, Contract]:
    """All versions of an event below a folder of schemas, by version. Raises ContractError, also if there is none."""
    paths = sorted((folder / event).glob("v*.json"))
    if not paths:
        raise ContractError(f"{folder / event}: no schema v<N>.json there; expected the versions of the event {event}")
    return {contract.version: contract for contract in map(load_contract, paths)}


def read_schema(path: Path) -> dict[str, Any]:
    """A schema file as JSON, of the right dialect. Raises ContractError."""
    try:
        document, reasons = parse(path.read_bytes())
    except OSError as error:
        raise ContractError(f"{path}: cannot be read ({error.strerror})") from None
    if reasons:
        raise ContractError(f"{path}: not JSON as RFC 8259 has it: {message_of(reasons)}; mend the file")
    if not isinstance(document, dict) or document.get("$schema") != DIALECT:
        raise ContractError(f"{path}: expected an object with $schema {DIALECT}")
    try:
        jsonschema_rs.meta.validate(document)
        compiled(document)
    except ValueError as error:
        raise ContractError(f"{path}: not a valid JSON Schema: {str(error).splitlines()[0]}") from None
    return document


def parse_contract(document: Mapping[str, Any], event: str, version: int, source: str, environment: Environment = "serving") -> Contract:
    """A contract from a JSON Schema that is valid as such; `source` names it in errors. Raises ContractError."""
    check_numbers(document, source)
    check_keywords(document, _TOP | EVENT_RULES | EVENT_WORDS, source, "event")
    if document.get("type") != "object" or document.get("additionalProperties") is not False or not document.get("properties"):
        raise ContractError(f"{source}: expected type object, properties, and additionalProperties false")
    resolved = resolve(document, source)
    _check_event(resolved, source)
    for place, schema in definitions(document, source).items():
        # What a property refers to may say what the property is for.
        own = isinstance(schema, Mapping)
        check_nested({k: v for k, v in schema.items() if k not in FIELD_WORDS} if own else schema, f"{source}: {place}")
    every = tuple(
        field_of(name, spec, required=name in resolved.get("required", []), source=source) for name, spec in resolved["properties"].items()
    )
    fields = tuple(field for field in every if environment in field.words.environments)
    entity, event_id, event_time = (_named(document, keyword, fields, source) for keyword in _NAMING)
    if entity is None or event_time is None:
        raise ContractError(f"{source}: x-entity and x-event-time must each name a required property; add them")
    target = _target(document, every, source)
    owner, producer = owner_of(document, source), producer_of(document, source)
    contract = Contract(event, version, fields, entity, event_id, event_time, target, document, environment, owner, producer)
    _check_usable(contract, every, source)
    return contract


def _check_usable(contract: Contract, every: tuple[Field, ...], source: str) -> None:
    """In each environment an event can keep the rules, and both paths compile: what is loaded does not fail at the first event."""
    for environment in ENVIRONMENTS:
        fields = tuple(field for field in every if environment in field.words.environments)
        held = contract if environment == contract.environment else replace(contract, environment=environment, fields=fields)
        if held is not contract and fields == contract.fields:
            continue
        rule = impossible_rule(held.resolved)
        if rule is not None:
            raise ContractError(
                f"{source}: no {environment} event can keep the rule {rule}: it asks for what is not there; mend it, or x-environments"
            )
        try:
            _ = held.exact, held.fast
        except (ValueError, TypeError, OverflowError) as error:
            raise ContractError(f"{source}: cannot be compiled: {str(error).splitlines()[0]}; mend the schema") from None


def _check_event(resolved: Mapping[str, Any], source: str) -> None:
    """The rules of the event, and the names in it."""
    properties = resolved["properties"]
    stray = [name for name in resolved.get("required", []) if name not in properties]
    if stray:
        raise ContractError(f"{source}: required names {stray[0]!r}, which is not among the properties")
    rules = {keyword: value for keyword, value in resolved.items() if keyword in EVENT_RULES}
    for place, child in children(rules):
        check_nested(child, f"{source}: /{place}")
    unknown = unknown_name(resolved)
    if unknown is not None:
        raise ContractError(f"{source}: a rule names {unknown!r}, which is not among the properties")
    taken: dict[Any, str] = {}
    for name, spec in properties.items():
        earlier = spec.get("x-renamed-from") if isinstance(spec, Mapping) else None
        if not isinstance(earlier, str):
            continue  # no rename, or one that is refused with the field
        where = f"{source}: /properties/{name}: x-renamed-from names {earlier!r}, which"
        if earlier in properties:
            raise ContractError(f"{where} is still a property; rename one")
        if taken.setdefault(earlier, name) != name:
            raise ContractError(f"{where} {taken[earlier]!r} names too; a field has one new name")


def _target(document: Mapping[str, Any], fields: tuple[Field, ...], source: str) -> Mapping[str, Any] | None:
    """What training predicts: `field`, `enum`, `positive`; from x-target, or from the field with the role target."""
    targets = [field for field in fields if field.role == "target"]
    if len(targets) + ("x-target" in document) > 1:
        raise ContractError(f"{source}: more than one target; keep one field with the x-role target, or x-target")
    if not targets:
        return target_of(document, source)
    target = targets[0]
    return {"field": target.name, "enum": list(target.choices or ()), "positive": target.words.positive}


def _named(document: Mapping[str, Any], keyword: str, fields: tuple[Field, ...], source: str) -> str | None:
    name = document.get(keyword)
    if name is None:
        return None
    kinds = {"timestamp"} if keyword == "x-event-time" else {"string", "integer"}
    if not any(field.name == name and field.required and not field.nullable and field.kind in kinds for field in fields):
        kind = "date-time" if keyword == "x-event-time" else "string or integer"
        raise ContractError(f"{source}: {keyword} names {name!r}; expected a required property of type {kind}, not null")
    if any(field.name == name and not _fits_an_index(field) for field in fields):
        raise ContractError(
            f"{source}: {keyword} names {name!r}, a text of any length, which no index of the store holds; "
            f"give it a maxLength of at most {_NAME_LENGTH}, or enum, const or format uuid"
        )
    return str(name)


def _fits_an_index(field: Field) -> bool:
    """Whether every value is short enough for a row of PostgreSQL's index: 2,704 bytes, with up to 4 for a character."""
    if field.kind != "string" or field.limits.get("format") == "uuid":
        return True
    if field.choices is not None:
        return all(len(str(choice)) <= _NAME_LENGTH for choice in field.choices)
    return int(field.limits.get("maxLength", _NAME_LENGTH + 1)) <= _NAME_LENGTH
