"""Answers of a registry as a plan knows them."""

from __future__ import annotations

from wire_events import Registered

from streaming.contracts.wire import DecidedResolver, WriterSchema

JSON = WriterSchema("JSON", "{}")


def test_a_planned_unknown_is_not_asked_for_and_an_unplanned_one_is_undecided() -> None:
    registry = Registered({1: JSON, 2: JSON})
    resolver = DecidedResolver(registry, ["2", "3"])
    assert [resolver.schema(key) for key in (1, 2, 3, 4)] == [JSON, None, None, None]
    assert (registry.asked, resolver.undecided) == ([1, 4], {"4"})
