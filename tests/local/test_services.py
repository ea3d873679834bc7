from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from streaming.local import kafka, postgres, services
from streaming.local.processes import recall, remember

pytestmark = pytest.mark.integration


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "var"
    services.down(tmp_path / "var")


def up(home: Path) -> tuple[services.Services, list[str]]:
    said: list[str] = []
    return services.up(home, say=said.append), said


def pids(home: Path) -> list[int]:
    return [one.pid or 0 for one in services.status(home)]


def left_behind(home: Path) -> list[list[str]]:
    """Commands that still name the folder or work in it."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        inside = str(process.info["cwd"] or "").startswith(str(home))
        if inside or any(str(home) in part for part in process.info["cmdline"] or []):
            found.append(process.info["cmdline"])
    return found


def test_data_and_addresses_survive_down_kill_and_up(home: Path) -> None:
    first, _ = up(home)
    admin = AdminClient({"bootstrap.servers": first.bootstrap})
    admin.create_topics([NewTopic("kept", 1)])["kept"].result()
    with psycopg.connect(first.dsn) as connection:
        connection.execute("CREATE TABLE kept (x int)")

    before = pids(home)
    again, said = up(home)
    assert again == first
    assert pids(home) == before
    assert all("running already" in line for line in said)

    for pid in before:
        os.kill(pid, signal.SIGKILL)
    assert up(home)[0] == first
    assert not set(before) & set(pids(home))

    assert sorted(services.down(home)) == ["kafka", "postgres"]
    assert services.down(home) == []
    assert left_behind(home) == []
    assert [one.detail for one in services.status(home)] == ["stopped", "stopped"]

    assert up(home)[0] == first
    assert "kept" in AdminClient({"bootstrap.servers": first.bootstrap}).list_topics(timeout=10).topics
    with psycopg.connect(first.dsn) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_two_calls_at_once_start_one_of_each(home: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        results = [pool.submit(up, home) for _ in range(2)]
    assert results[0].result()[0] == results[1].result()[0]
    services.down(home)
    assert left_behind(home) == []


def test_down_never_kills_a_process_that_took_the_pid_over(home: Path) -> None:
    up(home)
    services.down(home)
    for path in (kafka.memory_file(home), postgres.memory_file(home)):
        memory = recall(path)
        assert memory is not None
        remember(path, type(memory)(port=memory.port, pid=os.getpid(), started=1.0))
    assert services.down(home) == []


def test_addresses_are_private_and_the_password_is_asked_for(services: object) -> None:
    home: Path = services.home  # type: ignore[attr-defined]
    assert (home / "run" / "postgres.dsn").stat().st_mode & 0o777 == 0o600
    dsn = (home / "run" / "postgres.dsn").read_text()
    assert postgres.answers(dsn)
    wrong = dsn.replace(dsn.split(":")[2].split("@")[0], "guess")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_the_store_keeps_what_a_commit_promises(services: object) -> None:
    with psycopg.connect(services.dsn) as connection:  # type: ignore[attr-defined]
        for name, value in {"fsync": "on", "track_commit_timestamp": "on", "shared_buffers": "256MB"}.items():
            assert connection.execute(f"SHOW {name}").fetchone() == (value,)


@pytest.mark.parametrize("how", ["another user", "no user namespace"])
def test_postgres_runs_without_root_and_without_user_namespaces(how: str) -> None:
    """An ordinary user needs no wrapper; root without namespaces changes to `nobody`."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        code = PROGRAM.format(namespace="['false']" if how == "no user namespace" else "postgres.NAMESPACE", home=folder)
        wrapper = postgres.NAMESPACE if how == "another user" and os.geteuid() == 0 else []
        done = subprocess.run([*wrapper, sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout == "answers\n"


PROGRAM = """
from pathlib import Path
from streaming.local import postgres
postgres.NAMESPACE = {namespace}
home = Path("{home}")
try:
    memory = postgres.start(home)
    if postgres.answers(postgres.dsn(home, memory)):
        print("answers")
finally:
    postgres.halt(home)
"""
