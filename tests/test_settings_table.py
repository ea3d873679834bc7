"""The table of settings is the one in the docs, and knows every key."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field, SecretStr

from streaming.settings_table import settings_table

DOCS = Path("docs/configuration.md")


class Inner(BaseModel):
    """Of <things>."""

    share: float = Field(default=0.5, gt=0, le=1, description="a | b")
    token: SecretStr = Field(default=SecretStr("s"), description="secret")


class Outer(BaseModel):
    name: str = Field(description="its name")
    inner: Inner = Inner()


def test_a_required_key_a_default_bounds_and_signs() -> None:
    table = settings_table(Outer)
    assert "| `name` | text | required | its name |" in table
    assert "## `[inner]`\n\nOf \\<things>." in table
    assert "| `share` | number > 0 ≤ 1 | `0.5` | a \\| b |" in table


def test_the_docs_hold_this_release_s_table_and_every_key_has_a_meaning() -> None:
    table = settings_table()
    assert DOCS.read_text(encoding="utf-8").endswith(table + "\n"), "write it anew: scoring config table"
    assert not [row for row in table.splitlines() if row.startswith("| `") and row.endswith("|  |")]
