"""Keeps a job running as a service manager would: started again whenever it ends, until told otherwise."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

RESTART_S = 1.0


@dataclass(frozen=True)
class Ended:
    """One end of the job: when (s since 1970), with which exit code, and the last of what it had said."""

    at: float
    code: int
    said: str


class Keeper:
    """The scoring job of one configuration. ends: every end so far; hold: set, it is not started again."""

    def __init__(self, config: Path, log: Path, *, source: Path, environment: Mapping[str, str]) -> None:
        """source: folder with streaming/ and jobs/, the build that runs; environment: besides this process's own."""
        self._config, self.log, self._source = config, log, source
        # Workers start by `-m` and find the build where they are; the driver's script stands in jobs/ and has to be told.
        paths = filter(None, [environment.get("PYTHONPATH"), str(source)])
        self.environment = {**environment, "PYTHONPATH": os.pathsep.join(paths)}
        self.ends: list[Ended] = []
        self.hold = threading.Event()
        self._closing = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)

    def start(self) -> None:
        """Start the job, and keep it running from now on."""
        self._launch()
        self._thread.start()

    def jvm(self) -> int:
        """Process id of the driver's JVM. Raises ProcessLookupError while the job is down."""
        if self._process is None or self._process.poll() is not None:
            raise ProcessLookupError("the job is down")
        return self._process.pid

    def driver_python(self) -> int:
        """Process id of the driver's Python. Raises ProcessLookupError while there is none."""
        found = [one.pid for one in self._family() if "score_events.py" in " ".join(_arguments(one)) and one.pid != self.jvm()]
        if not found:
            raise ProcessLookupError("the driver's Python does not run")
        return int(found[0])

    def workers(self) -> list[int]:
        """Process ids of Spark's Python workers; empty while there are none."""
        with suppress(ProcessLookupError):
            family = [one for one in self._family() if "worker_daemon" in " ".join(_arguments(one))]
            return [int(one.pid) for one in family if any(one.ppid() == other.pid for other in family)]
        return []

    def kill(self) -> None:
        """kill -9 of the driver: JVM and Python at the same moment. Workers find out by themselves."""
        with suppress(ProcessLookupError):
            os.killpg(self.jvm(), signal.SIGKILL)

    def close(self, *, wait_s: float = 40) -> None:
        """SIGTERM, kill -9 to what is left after wait_s; not started again."""
        self._closing.set()
        process = self._process
        if process is None:
            return
        family = self._family() if process.poll() is None else []
        with suppress(ProcessLookupError):
            process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(wait_s)
        for one in family:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        process.wait()
        self._thread.join()

    def _family(self) -> list[psutil.Process]:
        try:
            return [*psutil.Process(self.jvm()).children(recursive=True), psutil.Process(self.jvm())]
        except psutil.NoSuchProcess:
            return []

    def _launch(self) -> None:
        command = [sys.executable, "-m", "streaming.cli", "run", "score-events", "--config", str(self._config)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self._source, stdout=log, stderr=log, start_new_session=True, env=os.environ | self.environment
            )

    def _keep(self) -> None:
        while not self._closing.is_set():
            assert self._process is not None
            code = self._process.wait()
            if self._closing.is_set():
                return
            self.ends.append(Ended(time.time(), code, self.log.read_text(encoding="utf-8", errors="replace")[-4000:]))
            self._closing.wait(RESTART_S)
            while self.hold.is_set() and not self._closing.is_set():
                self._closing.wait(0.1)
            if not self._closing.is_set():
                self._launch()


def _arguments(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
