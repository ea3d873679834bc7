"""A schema registry's answers as a plan knows them, so that a batch done again has the same outcome."""

from __future__ import annotations

from collections.abc import Collection

from streaming.contracts.wire.resolver import Resolver, SchemaKey, WriterSchema


class DecidedResolver:
    """Answers "no such id" only for the ids that the plan says are unknown.

    What an id stands for never changes, but that there is none may be over the next moment. An id that the registry does not
    know and the plan does not name is undecided: its batch must not be delivered before a plan names it.
    """

    def __init__(self, registry: Resolver, unknown: Collection[str]) -> None:
        """registry: asked for every other id; unknown: ids as texts, from the plan."""
        self._registry, self._unknown = registry, frozenset(unknown)
        self.undecided: set[str] = set()

    def schema(self, key: SchemaKey) -> WriterSchema | None:
        """The schema of an id, None if there is none. Raises Unavailable."""
        if str(key) in self._unknown or str(key) in self.undecided:
            # Not asked again for the same batch: it runs from its beginning until the registry has answered for all of its ids,
            # and must come further each time though only some requests in a row are answered (429).
            return None
        found = self._registry.schema(key)
        if found is None:
            self.undecided.add(str(key))
        return found
