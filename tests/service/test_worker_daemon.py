"""What the worker daemon takes out of each task, in an interpreter of its own: it changes the interpreter it runs in."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import BinaryIO

import pyspark
import pytest

from streaming.service.worker_daemon import Acknowledged, acknowledging, without_spare_archives

ARCHIVES = sorted((Path(pyspark.__file__).parent / "python" / "lib").glob("*.zip"))
INSTALLED = str(Path(pyspark.__file__).parents[1])


@pytest.fixture
def users_archive(tmp_path: Path) -> Path:
    """An archive as one gives it to spark-submit with --py-files."""
    path = tmp_path / "mine.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("module_of_the_user.py", "ANSWER = 42\n")
    return path


def run(code: str, *first_on_path: Path) -> str:
    """Output of Python code in an interpreter whose path begins as a Spark worker's does."""
    path = os.pathsep.join(map(str, first_on_path))
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_sparks_archives_leave_the_path_and_the_users_stays(users_archive: Path) -> None:
    assert {path.name.split("-")[0] for path in ARCHIVES} == {"pyspark.zip", "py4j"}
    given = [*ARCHIVES, users_archive]
    code = f"""
import sys
given = {[str(path) for path in given]}
assert set(given) <= set(sys.path)
from streaming.service.worker_daemon import prepare
prepare()
import module_of_the_user
import pyspark.sql.functions
print([entry for entry in given if entry in sys.path], module_of_the_user.ANSWER)
"""
    assert run(code, *given).strip() == f"{[str(users_archive)]} 42"


@pytest.mark.slow
def test_what_tasks_need_is_imported_and_frozen_before_the_fork() -> None:
    code = """
import gc, sys
from streaming.service.worker_daemon import prepare
assert "streaming.pipeline" not in sys.modules and gc.get_freeze_count() == 0
prepare()
print("streaming.pipeline" in sys.modules, "sklearn" in sys.modules, gc.get_freeze_count() > 100_000)
"""
    assert run(code).split() == ["True", "True", "True"]


@pytest.mark.parametrize(("skipped", "asked"), [("", 1), ("skip_invalidation()", 0)], ids=["Spark's way", "ours"])
def test_invalidation_asks_no_finder(skipped: str, asked: int) -> None:
    code = f"""
import importlib, sys
from streaming.service.worker_daemon import skip_invalidation
class Counting:
    asked = 0
    def find_spec(self, *_): return None
    def invalidate_caches(self): Counting.asked += 1
sys.meta_path.append(Counting())
{skipped}
importlib.invalidate_caches()
print(Counting.asked)
"""
    assert int(run(code)) == asked


def test_an_archive_that_is_the_only_place_of_its_package_stays(users_archive: Path) -> None:
    """A cluster's executors may have no pyspark but the archive that Spark sent them."""
    needed = [*map(str, ARCHIVES), str(users_archive)]
    assert without_spare_archives(needed) == needed
    assert without_spare_archives([*needed, INSTALLED]) == [str(users_archive), INSTALLED]


def seen_by_main(near: socket.socket, far: socket.socket) -> tuple[list[bytes], object]:
    """What a worker's main reads, and the file that it reads from."""
    seen: list[bytes] = []
    files: list[object] = []

    def main(infile: BinaryIO, _: BinaryIO) -> None:
        files.append(infile)
        seen.extend([infile.read(4), infile.read(3), infile.read(1)])

    far.sendall(b"head")
    far.sendall(b"row")
    far.shutdown(socket.SHUT_WR)
    with os.fdopen(os.dup(near.fileno()), "rb", 65536) as infile:
        acknowledging(main)(infile, infile)
        assert not infile.closed
    return seen, files[0]


def test_what_comes_over_tcp_is_acknowledged_and_read_as_it_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as far:
        near, _ = server.accept()
        with near:
            seen, file = seen_by_main(near, far)
    assert seen == [b"head", b"row", b""]
    assert isinstance(file, Acknowledged)
    assert file.socket.fileno() == -1, "closed with the task"


def test_another_kind_of_socket_is_left_as_it_is() -> None:
    near, far = socket.socketpair()
    with near, far:
        seen, file = seen_by_main(near, far)
    assert seen == [b"head", b"row", b""]
    assert not isinstance(file, Acknowledged)
