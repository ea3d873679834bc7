"""Services and a champion that the tests of this folder share; runs of many minutes only where they are asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from faults.home import Home, quick_machines

MARK = "chaos"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", f"{MARK}: many minutes of faults; run by `pytest -m {MARK}` alone")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long ones out, unless the expression of -m names them."""
    if MARK in str(config.getoption("-m")):
        return
    long = [item for item in items if item.get_closest_marker(MARK)]
    items[:] = [item for item in items if item not in long]
    config.hook.pytest_deselected(items=long)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A broker and a PostgreSQL that faults may take away, and a trained champion."""
    quick_machines()
    home = Home(tmp_path_factory.mktemp("faults") / "home")
    yield home
    home.close()
