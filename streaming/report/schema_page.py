"""The page of an event: fields, an example and its history as one HTML file that opens from disk without a network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from msgspec import UNSET

from streaming.contracts import Contract
from streaming.contracts.containment import restricting
from streaming.contracts.differences import Change, differences
from streaming.contracts.example import example_of
from streaming.contracts.fields import Field
from streaming.contracts.keywords import ANNOTATIONS
from streaming.contracts.rules import parts_of
from streaming.report.page_file import templates, write_page

_WALKED = {"properties", "prefixItems", "items"}
_SAID_ELSEWHERE = ("type", "enum")


@dataclass(frozen=True)
class FieldRow:
    """One field as the template shows it; all are texts. allowed: limits, one each; words: owner, sensitivity, default and the like."""

    name: str
    described: str
    type: str
    presence: str
    unit: str
    allowed: list[str]
    words: list[str]


@dataclass(frozen=True)
class Step:
    """What changed from one version to the next."""

    older: int
    newer: int
    changes: list[Change]


def render_schema(versions: Sequence[Contract]) -> str:
    """The page of an event as HTML. versions: ascending, at least one; the last is shown in full."""
    environment = templates()
    newest = versions[-1]
    specs = newest.resolved["properties"]
    example = example_of(newest)
    return environment.get_template("schema.html.j2").render(
        contract=newest,
        described=str(newest.document.get("description", "")),
        groups=[
            (role, [_row(field, specs[field.name]) for field in newest.fields if field.role == role]) for role in ("feature", "metadata")
        ],
        target=newest.target,
        rules=[json.dumps(restricting(part), ensure_ascii=False) for part in parts_of(newest.resolved)],
        example=json.dumps(example, indent=2, ensure_ascii=False) if example is not None else "",
        history=[Step(old.version, new.version, differences(old, new)) for old, new in pairwise(versions)][::-1],
        personal=sum(field.words.sensitivity == "personal" for field in newest.fields),
        made_at=f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
    )


def write_schema(versions: Sequence[Contract], out: Path) -> None:
    """Write the page to a file; folders on the way are made, and the file appears whole or not at all. Raises SetupError."""
    write_page(render_schema(versions), out, instead="folder")


def _row(field: Field, spec: Mapping[str, Any]) -> FieldRow:
    presence = "required" if field.required else "optional"
    return FieldRow(
        name=field.name,
        described=str(spec.get("description", "")),
        type={"timestamp": "time", "json": "any shape"}.get(field.kind, field.kind),
        presence=presence + (", or null" if field.nullable else ""),
        unit=field.words.unit,
        allowed=_allowed(field),
        words=_words(field),
    )


def _allowed(field: Field) -> list[str]:
    if field.kind == "json":
        return _inside(field.limits, "")
    listed = [json.dumps(choice, ensure_ascii=False) for choice in field.limits.get("enum", [])]
    # Lower limits before upper ones, which is how a range is read.
    told = sorted((name for name in field.limits if name not in _SAID_ELSEWHERE), key=lambda name: "max" in name.lower())
    return listed + [f"{name} {json.dumps(field.limits[name], ensure_ascii=False)}" for name in told]


def _inside(schema: Any, path: str) -> list[str]:
    """The limits of a value of any shape, those of each place in it in one text: `.town: type "string", minLength 1`."""
    if isinstance(schema, bool):
        return [] if schema else [f"{path}: nothing is allowed"]
    told = ", ".join(
        f"{keyword} {json.dumps(value, ensure_ascii=False)}"
        for keyword, value in schema.items()
        if keyword not in ANNOTATIONS | _WALKED and not keyword.startswith("x-")
    )
    found = [f"{path}: {told}" if path else told] if told else []
    for name, child in schema.get("properties", {}).items():
        found += _inside(child, f"{path}.{name}")
    for place, child in enumerate(schema.get("prefixItems", [])):
        found += _inside(child, f"{path}[{place}]")
    return found + _inside(schema.get("items", True), f"{path}[]")


def _words(field: Field) -> list[str]:
    words = field.words
    found = {"owner": words.owner, "was": words.renamed_from, "sensitivity": "personal data" if words.sensitivity == "personal" else ""}
    told = [value if name == "sensitivity" else f"{name} {value}" for name, value in found.items() if value]
    return told + ([f"default {json.dumps(words.default, ensure_ascii=False)}"] if words.default is not UNSET else [])
