"""Every setting in one table, from the model that checks them: what `docs/configuration.md` holds."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from streaming.settings import Settings

_HEAD = "| key | type | default | meaning |\n|---|---|---|---|"


def settings_table(model: type[BaseModel] = Settings, prefix: str = "") -> str:
    """Markdown: a section for each table of the file, a row for each key; a key without a default is required."""
    fields = model.model_fields
    own = [_row(name, field) for name, field in fields.items() if not _section(field)]
    parts = [f"## {f'`[{prefix}]`' if prefix else 'Top level'}", *([_said(model)] if prefix else []), "\n".join([_HEAD, *own])]
    inner = f"{prefix}." if prefix else ""
    sections = [settings_table(section, inner + name) for name, field in fields.items() if (section := _section(field))]
    return "\n\n".join([*(parts if own else []), *sections])


def _section(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _said(model: type[BaseModel]) -> str:
    return _escaped(" ".join((model.__doc__ or "").split()))


def _row(name: str, field: FieldInfo) -> str:
    bounds = [text for text in map(_bound, field.metadata) if text]
    cells = (f"`{name}`", " ".join([_kind(field.annotation), *bounds]), _default(field), field.description or "")
    return "| " + " | ".join(map(_escaped, cells)) + " |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "\\<")


def _kind(kind: Any) -> str:
    if kind is SecretStr:
        return "secret"
    values = getattr(kind, "__args__", ())
    if values and values[-1] is Ellipsis:
        return f"list of {_kind(values[0])}"
    if values and all(isinstance(value, str) for value in values):
        return " or ".join(f"`{value}`" for value in values)
    if getattr(kind, "__origin__", None) is dict and kind != dict[str, str]:
        return "table of numbers"
    plain = {str: "text", int: "whole number", float: "number", bool: "true or false", dict[str, str]: "table of texts"}
    return plain.get(kind, "path")


def _bound(rule: Any) -> str:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    return " ".join(f"{sign} {getattr(rule, name)}" for name, sign in signs.items() if getattr(rule, name, None) is not None)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    return f"`{value}`" if value not in ("", None, {}, ()) else ""
