"""The documented REST API of Confluent's schema registry over published schemas, read only: a request in, a status and JSON out.

Source: Confluent's "Schema Registry API Reference". Error codes are its own; what writes is answered 405 with 42205 (read-only).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import jsonschema_rs

from streaming.contracts.evolution import breaks_between
from streaming.contracts.published import Published, PublishedSchemas, same_text
from streaming.contracts.schema import DIALECT, parse_contract
from streaming.contracts.wire import WriterSchema
from streaming.contracts.wire.avro_resolution import unreadable
from streaming.errors import ContractError, ScoringError

READ_ONLY = 42205
LEVEL = "BACKWARD"


class Refused(ScoringError):
    """A request that the API answers with an error: its HTTP status, error code and message."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Answer(NamedTuple):
    """status: of HTTP; body: JSON value."""

    status: int
    body: Any


Handler = Callable[["SchemaApi", dict[str, str], Any, Mapping[str, str]], Any]


class SchemaApi:
    """Answers requests; safe to call from many threads, for it only reads."""

    def __init__(self, schemas: PublishedSchemas) -> None:
        self.schemas = schemas

    def answer(self, method: str, target: str, body: bytes) -> Answer:
        """One request. target: path and query. Raises nothing for what a request holds."""
        try:
            path, query = _target(target)
            handler, names = _route(method, path)
            document = _document(body) if method == "POST" else None
            return Answer(200, handler(self, {name: unquote(text) for name, text in names.items()}, document, query))
        except Refused as error:
            return Answer(error.status, {"error_code": error.code, "message": str(error)})

    def by_id(self, names: dict[str, str], _body: Any, _query: Mapping[str, str]) -> Any:
        """GET /schemas/ids/{id}"""
        schema = self._with_id(names["id"])
        return {**_typed(schema), "guid": schema.guid}

    def by_id_text(self, names: dict[str, str], _body: Any, _query: Mapping[str, str]) -> Any:
        """GET /schemas/ids/{id}/schema"""
        return json.loads(self._with_id(names["id"]).text)

    def by_guid(self, names: dict[str, str], _body: Any, _query: Mapping[str, str]) -> Any:
        """GET /schemas/guids/{guid}"""
        schema = self.schemas.by_guid.get(names["guid"].lower())
        if schema is None:
            raise Refused(404, 40403, "Schema not found")
        return {**_typed(schema), "guid": schema.guid, "id": schema.id}

    def id_versions(self, names: dict[str, str], _body: Any, query: Mapping[str, str]) -> Any:
        """GET /schemas/ids/{id}/versions"""
        schema = self._with_id(names["id"])
        subjects = [subject for subject in self.schemas.subjects_of(schema) if query.get("subject", subject) == subject]
        return [{"subject": subject, "version": schema.contract.version} for subject in subjects]

    def id_subjects(self, names: dict[str, str], _body: Any, _query: Mapping[str, str]) -> Any:
        """GET /schemas/ids/{id}/subjects"""
        return self.schemas.subjects_of(self._with_id(names["id"]))

    def subjects(self, _names: dict[str, str], _body: Any, query: Mapping[str, str]) -> Any:
        """GET /subjects"""
        prefix = query.get("subjectPrefix", "")
        return [subject for subject in self.schemas.subjects if subject.startswith("" if prefix == ":*:" else prefix)]

    def versions(self, names: dict[str, str], _body: Any, _query: Mapping[str, str]) -> Any:
        """GET /subjects/{subject}/versions"""
        return list(self._versions(names["subject"]))

    def version(self, names: dict[str, str], _body: Any, _query: Mapping[str, str]) -> Any:
        """GET /subjects/{subject}/versions/{version}"""
        return _registered(names["subject"], self._version(names))

    def version_text(self, names: dict[str, str], _body: Any, _query: Mapping[str, str]) -> Any:
        """GET /subjects/{subject}/versions/{version}/schema"""
        return json.loads(self._version(names).text)

    def lookup(self, names: dict[str, str], body: Any, _query: Mapping[str, str]) -> Any:
        """POST /subjects/{subject}: the version that this schema is"""
        return _registered(names["subject"], self._same(names["subject"], body))

    def register(self, names: dict[str, str], body: Any, _query: Mapping[str, str]) -> Any:
        """POST /subjects/{subject}/versions: a schema that is published already has its id; nothing is added"""
        try:
            return {"id": self._same(names["subject"], body).id}
        except Refused as error:
            if error.code not in (40401, 40403):
                raise
        raise Refused(405, READ_ONLY, "This registry is read-only; publish the schema with `scoring schema publish` and start it again")

    def compatibility(self, names: dict[str, str], body: Any, query: Mapping[str, str]) -> Any:
        """POST /compatibility/subjects/{subject}/versions/{version}: whether events of that version are valid under this schema"""
        return self._compatible(self._version(names), body, query)

    def compatibility_all(self, names: dict[str, str], body: Any, query: Mapping[str, str]) -> Any:
        """POST /compatibility/subjects/{subject}/versions: the same against the latest version"""
        return self._compatible(self._version({**names, "version": "latest"}), body, query)

    def config(self, _names: dict[str, str], _body: Any, _query: Mapping[str, str]) -> Any:
        """GET /config, GET /config/{subject}"""
        return {"compatibilityLevel": LEVEL}

    def mode(self, _names: dict[str, str], _body: Any, _query: Mapping[str, str]) -> Any:
        """GET /mode, GET /mode/{subject}"""
        return {"mode": "READONLY"}

    def types(self, _names: dict[str, str], _body: Any, _query: Mapping[str, str]) -> Any:
        """GET /schemas/types"""
        return ["JSON", "AVRO"]

    def contexts(self, _names: dict[str, str], _body: Any, _query: Mapping[str, str]) -> Any:
        """GET /contexts"""
        return ["."]

    def nothing(self, _names: dict[str, str], _body: Any, _query: Mapping[str, str]) -> Any:
        """GET /"""
        return {}

    def referenced_by(self, names: dict[str, str], _body: Any, _query: Mapping[str, str]) -> Any:
        """GET /subjects/{subject}/versions/{version}/referencedby: published schemas stand alone"""
        self._version(names)
        return []

    def _with_id(self, text: str) -> Published:
        schema = self.schemas.by_id.get(int(text)) if text.isascii() and text.isdigit() and len(text) <= 10 else None
        if schema is None:
            raise Refused(404, 40403, f"Schema {text[:40]} not found")
        return schema

    def _versions(self, subject: str) -> dict[int, Published]:
        versions = self.schemas.versions(subject)
        if not versions:
            raise Refused(404, 40401, f"Subject '{subject[:250]}' not found.")
        return versions

    def _version(self, names: Mapping[str, str]) -> Published:
        versions, text = self._versions(names["subject"]), names["version"]
        if text in ("latest", "-1"):
            return versions[max(versions)]
        if not (text.isascii() and text.isdigit() and 0 < len(text) <= 10 and 0 < int(text) < 2**31):
            raise Refused(422, 42202, f"The specified version '{text[:40]}' is not a valid version id.")
        if int(text) not in versions:
            raise Refused(404, 40402, f"Version {text} not found.")
        return versions[int(text)]

    def _same(self, subject: str, body: Any) -> Published:
        kind, text = _asked(body)
        candidates = self.schemas.candidates(subject)
        if not candidates:
            raise Refused(404, 40401, f"Subject '{subject[:250]}' not found.")
        found = [schema for schema in candidates if schema.kind == kind and same_text(schema.text, text)]
        if not found:
            raise Refused(404, 40403, "Schema not found")
        return found[0]

    def _compatible(self, older: Published, body: Any, query: Mapping[str, str]) -> Any:
        kind, text = _asked(body)
        if kind == older.kind and same_text(older.text, text):
            return {"is_compatible": True}
        if kind != older.kind:
            return _verdict([f"a schema of type {kind} in a subject of type {older.kind}"], query)
        try:
            return _verdict(_breaks(older, text), query)
        except (ContractError, ValueError, RecursionError) as error:
            raise Refused(422, 42201, f"Invalid schema: {' '.join(str(error).split())[:500]}") from None


def _breaks(older: Published, text: str) -> list[str]:
    """Why events of a published schema are none of the schema in `text`. Raises ContractError or ValueError if that is none."""
    if older.kind == "AVRO":
        return unreadable(WriterSchema("AVRO", older.text), WriterSchema("AVRO", text))
    document, contract = json.loads(text), older.contract
    # Another dialect would be looked for on the network.
    if not isinstance(document, dict) or document.get("$schema", DIALECT) != DIALECT:
        raise ContractError(f"expected an object, the JSON Schema of an event, of the dialect {DIALECT}")
    jsonschema_rs.meta.validate(document)
    newer = parse_contract(document, contract.event, contract.version + 1, "the schema")
    return [found.message for found in breaks_between([contract, newer], "backward")]


def _verdict(breaks: list[str], query: Mapping[str, str]) -> dict[str, Any]:
    return {"is_compatible": not breaks} | ({"messages": breaks} if query.get("verbose", "false").lower() == "true" else {})


def _typed(schema: Published) -> dict[str, Any]:
    return {"schema": schema.text} | ({} if schema.kind == "AVRO" else {"schemaType": schema.kind})


def _registered(subject: str, schema: Published) -> dict[str, Any]:
    return {"subject": subject, "version": schema.contract.version, "id": schema.id, "guid": schema.guid, **_typed(schema)}


def _asked(body: Any) -> tuple[str, str]:
    if not isinstance(body, dict) or not isinstance(body.get("schema"), str):
        raise Refused(422, 42201, "Invalid schema: expected an object with `schema`, a text")
    return str(body.get("schemaType") or "AVRO"), body["schema"]


def _target(target: str) -> tuple[str, dict[str, str]]:
    """Path and query of a request's target."""
    try:
        parts = urlsplit(target)
        return parts.path.rstrip("/") or "/", {name: values[-1] for name, values in parse_qs(parts.query).items()}
    except ValueError:  # a host in brackets that are never closed, more parameters than Python takes
        raise Refused(400, 400, "The address cannot be read") from None


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, 400, "The body is not JSON") from None


_SUBJECT = "/subjects/(?P<subject>[^/]+)"
_VERSION = f"{_SUBJECT}/versions/(?P<version>[^/]+)"
_ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/", SchemaApi.nothing),
    ("GET", "/schemas/types", SchemaApi.types),
    ("GET", "/schemas/ids/(?P<id>[^/]+)", SchemaApi.by_id),
    ("GET", "/schemas/ids/(?P<id>[^/]+)/schema", SchemaApi.by_id_text),
    ("GET", "/schemas/ids/(?P<id>[^/]+)/versions", SchemaApi.id_versions),
    ("GET", "/schemas/ids/(?P<id>[^/]+)/subjects", SchemaApi.id_subjects),
    ("GET", "/schemas/guids/(?P<guid>[^/]+)", SchemaApi.by_guid),
    ("GET", "/subjects", SchemaApi.subjects),
    ("POST", _SUBJECT, SchemaApi.lookup),
    ("GET", f"{_SUBJECT}/versions", SchemaApi.versions),
    ("POST", f"{_SUBJECT}/versions", SchemaApi.register),
    ("GET", _VERSION, SchemaApi.version),
    ("GET", f"{_VERSION}/schema", SchemaApi.version_text),
    ("GET", f"{_VERSION}/referencedby", SchemaApi.referenced_by),
    ("POST", f"/compatibility{_VERSION}", SchemaApi.compatibility),
    ("POST", f"/compatibility{_SUBJECT}/versions", SchemaApi.compatibility_all),
    ("GET", "/config(/[^/]+)?", SchemaApi.config),
    ("GET", "/mode(/[^/]+)?", SchemaApi.mode),
    ("GET", "/contexts", SchemaApi.contexts),
)
_COMPILED = tuple((method, re.compile(pattern), handler) for method, pattern, handler in _ROUTES)
_WRITES = re.compile(r"/(subjects|config|mode|schemas|compatibility|contexts|exporters|dek-registry|associations)(/.*)?")


def _route(method: str, path: str) -> tuple[Handler, dict[str, str]]:
    for known, pattern, handler in _COMPILED:
        matched = pattern.fullmatch(path)
        if known == method and matched is not None:
            return handler, matched.groupdict()
    if method not in ("GET", "HEAD") and _WRITES.fullmatch(path):
        raise Refused(405, READ_ONLY, "This registry is read-only; its schemas are published with `scoring schema publish`")
    raise Refused(404, 404, "HTTP 404 Not Found")
