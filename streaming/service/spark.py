"""Spark: the session that our jobs run in, and the spark-submit command that starts them."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

import pyspark
from pyspark.sql import SparkSession

from streaming.settings import Settings

# What the jobs rely on for exactness and speed; a setting that an operator gives to spark-submit stands above these.
_SESSION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.streaming.noDataMicroBatches.enabled": "false",
    # An Arrow batch ends at so many bytes too: ten thousand events of a megabyte each must not fill a worker's memory.
    "spark.sql.execution.arrow.maxBytesPerBatch": str(64 * 1024 * 1024),
    "spark.python.worker.reuse": "true",
    "spark.python.daemon.module": "streaming.service.worker_daemon",
    # One thread in each worker: there are as many workers as cores.
    "spark.executorEnv.OMP_NUM_THREADS": "1",
    "spark.executorEnv.OPENBLAS_NUM_THREADS": "1",
    # Without it stopping a query waits for ever for a batch that cannot end.
    "spark.sql.streaming.stopTimeout": "20s",
}


PROPERTIES_FILE = "SCORING_SPARK_PROPERTIES"
"""environment variable that tells the job which file to remove once Spark has read it"""


def session(name: str, settings: Settings, extra: dict[str, str] | None = None) -> SparkSession:
    """The job's Spark session."""
    builder = SparkSession.builder.appName(name)
    conf = _SESSION | {"spark.sql.execution.arrow.maxRecordsPerBatch": str(settings.stream.arrow_batch_rows)} | (extra or {})
    for key, value in conf.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    if PROPERTIES_FILE in os.environ:
        Path(os.environ.pop(PROPERTIES_FILE)).unlink(missing_ok=True)  # spark-submit has read it
    spark.sparkContext.setLogLevel("WARN")
    return spark


# Hadoop's own local file system starts a `chmod` process for each file it makes where its native library is missing, as it
# is in pyspark: tens of milliseconds for each of the checkpoint's files. This one sets the mode itself.
_LOCAL_FILES = {
    "spark.hadoop.fs.file.impl": "com.globalmentor.apache.hadoop.fs.BareLocalFileSystem",
    "spark.sql.streaming.checkpointFileManagerClass": "org.apache.spark.sql.execution.streaming.FileSystemBasedCheckpointFileManager",
}


# Spark's pages ask nobody who they are, so there are none unless spark.conf says otherwise. What it writes of its settings (event
# log, pages, plans) leaves out the values of these names: Spark's own pattern knows neither Kafka's login nor keys.
_SECRET_NAMES = "(?i)secret|password|token|access[.]?key|jaas|credential|passphrase|keystore|ssl[.]key|dsn"  # noqa: S105  (a pattern of names)
_CLOSED = {
    "spark.ui.enabled": "false",
    "spark.redaction.regex": _SECRET_NAMES,
    "spark.sql.redaction.options.regex": f"{_SECRET_NAMES}|url",
}


def submit_command(script: Path, config: Path, settings: Settings, *, jars: list[Path], local_files: list[Path]) -> list[str]:
    """The spark-submit command line of a job; it holds no secret.

    spark.conf, which may hold one, goes through a file that only this user can read and that `session` removes.
    jars: the Kafka connector's archives; local_files: those of the local file system, used where Spark's master is local.
    """
    submit = Path(pyspark.__file__).parent / "bin" / "spark-submit"
    conf = _CLOSED | {"spark.pyspark.python": sys.executable}
    if settings.spark.master.startswith("local"):
        conf |= _LOCAL_FILES | {"spark.driver.extraClassPath": ":".join(map(str, local_files))}
    ours = {key: value for key, value in conf.items() if key not in settings.spark.conf}
    options = [option for key, value in ours.items() for option in ("--conf", f"{key}={value}")]
    if settings.spark.conf:
        # Without the flag a file of ours would keep Spark from reading its own defaults.
        options += ["--properties-file", str(_properties_file(settings.spark.conf)), "--load-spark-defaults"]
    return [
        str(submit),
        *("--master", settings.spark.master),
        *("--driver-memory", settings.spark.driver_memory),
        *("--jars", ",".join(map(str, jars))),
        *options,
        str(script),
        *("--config", str(config)),
    ]


def _properties_file(conf: dict[str, str]) -> Path:
    handle, name = tempfile.mkstemp(prefix="scoring-spark-", suffix=".conf")  # mode 0600
    with os.fdopen(handle, "w", encoding="latin-1") as file:
        file.writelines(f"{_escaped(key)}={_escaped(value)}\n" for key, value in conf.items())
    return Path(name)


def _escaped(text: str) -> str:
    """Text as a java.util.Properties file has it."""
    special = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "=": "\\=", ":": "\\:", "#": "\\#", "!": "\\!", " ": "\\ "}
    return "".join(special.get(c, c if " " < c < "\x7f" else f"\\u{ord(c):04x}") for c in text)


def submit_environment(java_home: Path, master: str) -> dict[str, str]:
    """The environment for spark-submit: our Java and our Python; a local master binds to loopback unless SPARK_LOCAL_IP says otherwise."""
    loopback = {"SPARK_LOCAL_IP": "127.0.0.1"} if master.startswith("local") else {}
    return loopback | os.environ | {"JAVA_HOME": str(java_home), "PYSPARK_PYTHON": sys.executable}


def become(command: list[str], environment: dict[str, str]) -> NoReturn:
    """Run spark-submit in this process's place, so that signals reach it directly."""
    if "--properties-file" in command:
        environment = environment | {PROPERTIES_FILE: command[command.index("--properties-file") + 1]}
    sys.stdout.flush()
    os.execvpe(command[0], command, environment)  # noqa: S606 (an argument list, no shell)
