"""What every HTML page of ours is made with: the templates' environment, and the file it becomes."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from streaming.errors import SetupError


def templates() -> Environment:
    """An environment over our templates: every value escaped, an unknown name an error."""
    return Environment(
        loader=PackageLoader("streaming.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def write_page(text: str, out: Path, *, instead: str = "file") -> None:
    """Write a page to a file; folders on the way are made, and the file appears whole or not at all.

    instead: what the user may name in its place, for the message. Raises SetupError if it cannot be written.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        draft = out.with_suffix(".part")
        draft.write_text(text, encoding="utf-8")
        draft.replace(out)
    except OSError as error:
        raise SetupError(f"{out}: cannot be written ({error.strerror}); name another {instead} with --out") from None
