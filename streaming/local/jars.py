"""Java archives that pip cannot bring: Spark's Kafka connector, the embedded broker and HBase, fetched once for each user.

Ivy (which comes inside pyspark) downloads them from where the user's own Ivy or Maven settings say. What arrives is compared
with `jars.lock`; a version that is not in the lock is resolved with its dependencies and recorded on first use.
Run as `python -m streaming.local.jars`; HBase's are fetched only where they are asked for: `python -m streaming.local.jars hbase`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal, get_args

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from streaming.errors import ScoringError, SetupError
from streaming.local import ivy

JarSet = Literal["spark-kafka", "local-files", "broker", "hbase"]
SETS: tuple[JarSet, ...] = ("spark-kafka", "local-files", "broker")
_SERVERS: tuple[JarSet, ...] = ("broker", "hbase")  # these run without Spark
LOCK = Path(__file__).with_name("jars.lock")
BROKER_VERSION = "4.2.0"
HBASE_VERSION = "2.6.1"
LOCAL_FILES = "com.globalmentor:hadoop-bare-naked-local-fs:0.1.0"


@dataclass(frozen=True)
class Jar:
    """One archive of the lock: Maven coordinates, sha256 in hex, size in bytes."""

    coordinates: str
    sha256: str
    size_bytes: int

    @property
    def file_name(self) -> str:
        """Its name in the cache.

        >>> Jar("org.lz4:lz4-java:1.8.0", "", 0).file_name
        'org.lz4~lz4-java~1.8.0.jar'
        """
        return self.coordinates.replace(":", "~") + ".jar"


def root_of(name: JarSet) -> str:
    """Coordinates of the archive that the set is about; the connector's version follows the installed pyspark."""
    if name == "broker":
        return f"org.apache.kafka:kafka_2.13:{BROKER_VERSION}"
    if name == "hbase":
        return f"org.apache.hbase:hbase-thrift:{HBASE_VERSION}"
    if name == "local-files":
        return LOCAL_FILES
    return f"org.apache.spark:spark-sql-kafka-0-10_2.13:{version('pyspark')}"


def cache_folder() -> Path:
    """STREAMING_SCORING_CACHE, else streaming-scoring under XDG_CACHE_HOME or ~/.cache."""
    if own := os.environ.get("STREAMING_SCORING_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "streaming-scoring"


def read_lock(path: Path, root: str) -> list[Jar]:
    """The archives that belong to `root` in a lock file; empty where it does not name that root."""
    if not path.is_file():
        return []
    jars: list[Jar] = []
    inside = False
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            inside = line == f"[{root}]"
        elif inside and line and not line.startswith("#"):
            coordinates, sha256, size = line.split()
            jars.append(Jar(coordinates, sha256, int(size)))
    return jars


def jar_paths(name: JarSet) -> list[Path]:
    """Paths of the set's archives in the cache. Raises SetupError if they were not fetched; `make setup` does."""
    root = root_of(name)
    folder = _folder(root)
    jars = read_lock(folder / "jars.lock", root)
    paths = [folder / jar.file_name for jar in jars]
    if not jars or any(not path.is_file() or path.stat().st_size != jar.size_bytes for path, jar in zip(paths, jars, strict=True)):
        raise SetupError(f"the archives of {root} are not in {folder}; {_way_out(name)}")
    return paths


def _way_out(name: JarSet) -> str:
    return (
        "fetch them with `make setup` or `python -m streaming.local.jars`" if name in SETS else f"`python -m streaming.local.jars {name}`"
    )


def fetch(name: JarSet, advance: Callable[[int], None]) -> list[Path]:
    """Download a set into the cache, checked, whole or not at all; nothing happens where it is there already.

    advance: called with the bytes of each archive that arrived.
    Raises SetupError if Ivy cannot download, or if an archive is not the one of the lock.
    """
    try:
        return jar_paths(name)
    except SetupError:
        pass  # not there, or damaged: fetched anew
    root = root_of(name)
    locked = read_lock(LOCK, root)
    target = _folder(root)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as scratch:
        new = Path(scratch) / "jars"
        ivy.retrieve([jar.coordinates for jar in locked] or root, new, Path(scratch) / "ivy", advance)
        if not locked:
            _drop_what_spark_ships(name, new)
        found = measure(new)
        _compare(locked, found)
        (new / "jars.lock").write_text(lock_text(root, found), encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        new.rename(target)
    return jar_paths(name)


def measure(folder: Path) -> list[Jar]:
    """The archives in a folder filled by Ivy, with their checksums, sorted by coordinates."""
    jars = []
    for path in folder.glob("*.jar"):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        jars.append(Jar(ivy.coordinates_of(path), digest, path.stat().st_size))
    return sorted(jars, key=lambda jar: jar.coordinates)


def lock_text(root: str, jars: list[Jar]) -> str:
    r"""A section of a lock file.

    >>> lock_text("a:b:1", [Jar("a:b:1", "00ff", 12)])
    '[a:b:1]\na:b:1 00ff 12\n'
    """
    return "\n".join([f"[{root}]", *(f"{jar.coordinates} {jar.sha256} {jar.size_bytes}" for jar in jars)]) + "\n"


def _compare(locked: list[Jar], found: list[Jar]) -> None:
    arrived = {jar.coordinates: jar for jar in found}
    for jar in locked:
        other = arrived.get(jar.coordinates)
        if other != jar:
            had = f"sha256 {other.sha256[:12]}…, {other.size_bytes} bytes" if other else "nothing"
            wanted = f"sha256 {jar.sha256[:12]}…, {jar.size_bytes} bytes"
            raise SetupError(f"{jar.coordinates}: expected {wanted}, got {had}; see what your mirror delivers, then run `make setup` again")


def _drop_what_spark_ships(name: JarSet, folder: Path) -> None:
    if name in _SERVERS:
        return
    shipped = {path.name for path in ivy.pyspark_jars().glob("*.jar")}
    for path in folder.glob("*.jar"):
        group, artifact, _ = ivy.coordinates_of(path).split(":")
        # Another version of what Spark brings would stand twice on its class path; Spark's own wins.
        if group != "org.apache.kafka" and any(other.startswith(f"{artifact}-") for other in shipped):
            path.unlink()


def _folder(root: str) -> Path:
    return cache_folder() / "jars" / root.replace(":", "_")


def fetch_shown(name: JarSet) -> None:
    """Fetch a set with a progress bar on standard error; nothing is shown where nothing is missing. Raises SetupError as `fetch`."""
    try:
        jar_paths(name)
    except SetupError:
        total = sum(jar.size_bytes for jar in read_lock(LOCK, root_of(name))) or None
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task(f"fetching {root_of(name)}", total=total)
            fetch(name, lambda size: progress.advance(task, size))


def main(names: Sequence[str]) -> None:
    """Fetch the sets of these names; those that every use needs where none is named. Raises SetupError for an unknown name too."""
    if unknown := set(names) - set(get_args(JarSet)):
        raise SetupError(f"{', '.join(sorted(unknown))} is no set of archives; name some of {', '.join(get_args(JarSet))}")
    for name in SETS if not names else [one for one in get_args(JarSet) if one in names]:
        fetch_shown(name)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except ScoringError as error:
        sys.stderr.write(f"setup: {error}\n")
        raise SystemExit(error.exit_code) from None
