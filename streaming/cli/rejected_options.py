"""The options by which every command of `scoring rejected` is told which events are meant."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, ParamSpec

import typer

if TYPE_CHECKING:
    from streaming.replay.selection import Selection

Options = ParamSpec("Options")
Asked = dict[str, str]
"""What was asked for, by option, as it was written; "" allows all."""
_OPTIONS: dict[str, Any] = {
    "reason": typer.Option("--reason", help="Only this rule, as enum or future_time."),
    "path": typer.Option("--path", help="Only this JSON Pointer, as /contract."),
    "schema_version": typer.Option("--schema-version", help="Only events that were held to this version."),
    "producer": typer.Option("--producer", help="Only events with this header `producer`; unknown: those without."),
    "since": typer.Option("--since", help="Only events sent since then: 2026-01-31T12:00:00Z, or 90s, 15m, 2h, 7d ago."),
    "until": typer.Option("--until", help="Only events sent before then."),
}


def selecting(command: Callable[Concatenate[Asked, Options], None]) -> Callable[..., None]:
    """Gives a command these options, which it takes together as its first argument, before its own."""
    signature = inspect.signature(command, eval_str=True)
    own = list(signature.parameters.values())[1:]
    keyword = inspect.Parameter.KEYWORD_ONLY
    given = [inspect.Parameter(name, keyword, default="", annotation=Annotated[str, option]) for name, option in _OPTIONS.items()]

    @wraps(command)
    def with_options(**options: Any) -> None:
        asked = {name: options.pop(name) for name in _OPTIONS}
        command(asked, **options)  # type: ignore[call-arg]  # its own options, all by name

    parameters = [*given, *(parameter.replace(kind=keyword) for parameter in own)]
    # Typer reads both; the one that stands in the source tells of the command alone.
    with_options.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return with_options


def selection_of(asked: Asked) -> Selection:
    """The selection that options ask for. Raises ConfigError for a time that is none."""
    from datetime import UTC, datetime

    from streaming.replay.selection import Selection, moment_ms

    now = datetime.now(UTC)
    bounds = {f"{name}_ms": moment_ms(asked[name], now) if asked[name] else None for name in ("since", "until")}
    return Selection(asked["reason"], asked["path"], asked["schema_version"], asked["producer"], **bounds)
