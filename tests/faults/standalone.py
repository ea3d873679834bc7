"""A standalone Spark cluster of one run's own: a master and a worker, whose executor is a process of its own that can die."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil
import pyspark

from streaming.local.processes import free_port, is_free

EXECUTOR = "CoarseGrainedExecutorBackend"
UP_MAX_S = 120.0
_CLASS = Path(pyspark.__file__).parent / "bin" / "spark-class"


class Standalone:
    """Master and worker with two cores on loopback, started and ready once it is made. master: its URL."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """environment: what the executors' Python workers get besides this process's own."""
        folder.mkdir(parents=True)
        self._folder, self._environment = folder, os.environ | environment | {"SPARK_LOCAL_IP": "127.0.0.1"}
        port = free_port()
        self.master = f"spark://127.0.0.1:{port}"
        self._processes = [self._start("master.Master", "--port", str(port))]
        _wait_for(port)
        work = ("--cores", "2", "--memory", "2g", "--work-dir", str(folder / "work"))
        self._processes.append(self._start("worker.Worker", *work, self.master))

    def executors(self) -> list[int]:
        """Process ids of the executors that run now."""
        found = []
        for one in psutil.Process(self._processes[-1].pid).children(recursive=True):
            with suppress(psutil.Error):
                if EXECUTOR in " ".join(one.cmdline()):
                    found.append(int(one.pid))
        return found

    def close(self) -> None:
        """End master, worker and executors."""
        for process in reversed(self._processes):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        place = ("--host", "127.0.0.1", "--webui-port", str(free_port()))
        command = [str(_CLASS), f"org.apache.spark.deploy.{name}", *place, *arguments]
        with (self._folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, env=self._environment)


def _wait_for(port: int) -> None:
    end = time.monotonic() + UP_MAX_S
    while is_free(port):
        if time.monotonic() > end:
            raise TimeoutError(f"nobody listens on 127.0.0.1:{port} after {UP_MAX_S:.0f} s")
        time.sleep(0.1)
