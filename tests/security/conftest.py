"""One broker for all tests of a run that want to see who is let in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from security.site import Site, running_site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site; topics and rights are each test's own."""
    with running_site(tmp_path_factory.mktemp("site")) as running:
        yield running
