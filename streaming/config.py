"""Configuration: one TOML file per environment, checked whole before anything starts.

Every text may be written `env:NAME` or `file:PATH` and is then read from there, so that no secret stands in a file
under version control. Relative paths are relative to the folder of the configuration file.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from streaming.errors import ConfigError
from streaming.settings import Settings

M = TypeVar("M", bound=BaseModel)
_SECRET = re.compile(r"dsn|password|token|tracking_uri|kafka\.(spark_)?client|spark\.conf")


def load_settings(path: Path, *, without: Collection[str] = ()) -> Settings:
    """Read and check a configuration file.

    without: tables that the caller does not use; their keys are checked, but their env: and file: texts are not looked up.
    Raises ConfigError, one line that names file, key, what was found and what to do.
    """
    table = read_toml(path)
    folder = path.resolve().parent
    known = {name: value if name in without else _resolve(value, folder, path, (name,)) for name, value in table.items()}
    return parse(Settings, known, path)


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file. Raises ConfigError if it is not there or not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); name a configuration file with --config") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None


def parse(model: type[M], table: dict[str, Any], path: Path) -> M:
    """Check a table against a pydantic model; every complaint goes in one ConfigError line."""
    try:
        return model.model_validate(table, context={"folder": path.resolve().parent})
    except ValidationError as error:
        raise ConfigError("; ".join(_complaint(model, path, e) for e in error.errors())) from None


def _complaint(model: type[BaseModel], path: Path, error: Any) -> str:
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{path}: {key} is not a setting{_suggestion(model, error['loc'])}"
    if error["type"] == "missing":
        return f"{path}: {key} is required and missing"
    if error["type"] == "value_error" and error["loc"] and isinstance(error["input"], dict):  # of a whole table: it says its key itself
        return f"{path}: {error['ctx']['error']}"
    # A password that is not text, or a secret where a table is expected, is not repeated.
    hidden = _SECRET.search(key) or error["type"] in ("model_type", "dict_type")
    found = "" if hidden else f", found {str(error['input'])[:60]!r}"
    return f"{path}: {key}: {error['msg']}{found}"


def _suggestion(model: type[BaseModel], location: tuple[str | int, ...]) -> str:
    known: type[BaseModel] = model
    for part in location[:-1]:
        field = known.model_fields.get(str(part))
        if field is None or not isinstance(field.annotation, type) or not issubclass(field.annotation, BaseModel):
            return ""
        known = field.annotation
    near = difflib.get_close_matches(str(location[-1]), known.model_fields, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _resolve(value: Any, folder: Path, path: Path, key: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {name: _resolve(item, folder, path, (*key, name)) for name, item in value.items()}
    if isinstance(value, str) and value.startswith("env:"):
        return _from_environment(value.removeprefix("env:"), path, key)
    if isinstance(value, str) and value.startswith("file:") and not value.startswith("file:/"):
        return _from_file(folder / value.removeprefix("file:"), path, key)
    return value


def _from_environment(name: str, path: Path, key: tuple[str, ...]) -> str:
    if name not in os.environ:
        raise ConfigError(f"{path}: {'.'.join(key)}: environment variable {name} is not set; export it")
    return os.environ[name]


def _from_file(source: Path, path: Path, key: tuple[str, ...]) -> str:
    try:
        return source.read_text(encoding="utf-8").strip()
    except OSError as error:
        hint = "start the embedded services with `scoring up`" if "var" in source.parts else "write the value there"
        raise ConfigError(f"{path}: {'.'.join(key)}: {source.resolve()}: {error.strerror}; {hint}") from None
