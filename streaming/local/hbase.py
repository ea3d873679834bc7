"""HBase on loopback from its own Maven archives: master, region server, ZooKeeper and the two Thrift servers.

*Delivery*: an acknowledged put survives a killed server, because the write-ahead log goes through RawLocalFileSystem, whose bytes are
the operating system's when a put returns (Hadoop's checksummed local file system keeps up to a chunk of them in the process). A power
cut may lose the last of them: a real cluster writes to HDFS.
"""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from streaming.errors import Unavailable
from streaming.local.hbase_files import write_configuration
from streaming.local.jars import fetch_shown, jar_paths
from streaming.local.java import find_java
from streaming.local.processes import Remembered, free_port, launch, recall, remember, stop, wait_until_ready
from streaming.settings import HBaseSettings
from streaming.sinks.hbase.tables import thrift2_call

MASTER, REGION, THRIFT, THRIFT2 = "hbase", "hbase-region", "hbase-thrift", "hbase-thrift2"
PARTS = (MASTER, REGION, THRIFT, THRIFT2)
# The master holds ZooKeeper, as it does where it thinks itself alone; only the region server is told that it is not.
_MAIN = {
    MASTER: ("org.apache.hadoop.hbase.master.HMaster", "-Xmx256m"),
    REGION: ("org.apache.hadoop.hbase.regionserver.HRegionServer", "-Xmx512m"),
    THRIFT: ("org.apache.hadoop.hbase.thrift.ThriftServer", "-Xmx256m"),
    THRIFT2: ("org.apache.hadoop.hbase.thrift2.ThriftServer", "-Xmx256m"),
}
# A server of a demo or a test lives for minutes: it is better off without the optimising compiler, on few threads.
_JVM = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-Djava.net.preferIPv4Stack=true")
# Hadoop 2 and Netty look into these from Java 17 on.
_OPEN = ("java.lang", "java.lang.reflect", "java.nio", "java.io", "java.net", "java.util", "java.util.concurrent", "sun.nio.ch")


class Addresses(NamedTuple):
    """host:port of the Thrift servers: `thrift` takes and gives rows, `thrift2` makes tables and takes current rows in batches."""

    thrift: str
    thrift2: str


def memory_file(home: Path, part: str = MASTER) -> Path:
    """Where the pid and the ports of a part are remembered; part: one of PARTS."""
    return home / "run" / f"{part}.json"


def log_file(home: Path, part: str = MASTER) -> Path:
    """What a part says."""
    return home / "log" / f"{part}.log"


def start(home: Path) -> Remembered:
    """Start what does not run, on the ports and data of last time; wait until tables can be made. Returns the Thrift server's memory.

    The archives are fetched if they are not there yet. Raises ServiceError if a part does not come up (its log is named), SetupError
    if Java or the archives cannot be had.
    """
    fetch_shown("hbase")
    before = {part: recall(memory_file(home, part)) or Remembered(port=0) for part in PARTS}
    parts = {part: memory if memory.process() else _with_ports(memory) for part, memory in before.items()}
    write_configuration(home / "hbase", zookeeper=parts[MASTER].port, master=parts[MASTER].extra_port, region=parts[REGION].port)
    for part, memory in parts.items():
        if memory.process() is None:
            parts[part] = launch(_command(home, part, memory.port), log=log_file(home, part), memory=memory)
            remember(memory_file(home, part), parts[part])
    for part in (THRIFT, THRIFT2):
        wait_until_ready(part, parts[part], lambda part=part: listens(parts[part].port), log=log_file(home, part))  # type: ignore[misc]
    wait_until_ready(MASTER, parts[MASTER], lambda: takes_tables(addresses(home).thrift2), log=log_file(home), limit_s=240)
    return parts[THRIFT]


def halt(home: Path, gentle: signal.Signals = signal.SIGTERM) -> bool:
    """Stop every part that runs, the region server's data flushed; data and ports stay. Returns whether one ran.

    gentle: the first signal; SIGKILL leaves the last rows to the write-ahead log, from which the next start takes them.
    """
    with ThreadPoolExecutor(len(PARTS)) as pool:
        ran = list(pool.map(lambda part: _halt(home, part, gentle), (THRIFT, THRIFT2, REGION)))
    return any([*ran, _halt(home, MASTER, gentle)])


def addresses(home: Path) -> Addresses:
    """Where the Thrift servers of a home are, running or not. Raises Unavailable where HBase never ran."""
    memories = [recall(memory_file(home, part)) for part in (THRIFT, THRIFT2)]
    if None in memories:
        raise Unavailable(f"no HBase was ever started in {home}; start it with `scoring up --hbase`")
    return Addresses(*(f"127.0.0.1:{memory.port}" for memory in memories if memory))


def answers(address: str, *, timeout_s: float = 5) -> bool:
    """Whether the Thrift server at `address` lists the tables within timeout_s; it asks the master for them."""
    import happybase
    from thriftpy2.thrift import TException

    host, _, port = address.rpartition(":")
    try:
        connection = happybase.Connection(host, int(port), timeout=int(timeout_s * 1000))
        connection.tables()
        connection.close()
    except (TException, OSError):
        return False
    return True


def takes_tables(thrift2_address: str, *, timeout_s: float = 10) -> bool:
    """Whether the master is through with its start: it lists tables long before, and refuses to make any until then."""
    try:
        with thrift2_call(HBaseSettings(thrift2_address=thrift2_address, timeout_s=timeout_s)) as client:
            return bool(client.listNamespaces())
    except Unavailable:
        return False


def listens(port: int) -> bool:
    """Whether someone takes connections on the port of 127.0.0.1."""
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _with_ports(memory: Remembered) -> Remembered:
    again = memory.again()
    return replace(again, extra_port=again.extra_port or free_port())


def _halt(home: Path, part: str, gentle: signal.Signals) -> bool:
    memory = recall(memory_file(home, part))
    if memory is None or not stop(memory, gentle, wait_s=20):
        return False
    remember(memory_file(home, part), Remembered(port=memory.port, extra_port=memory.extra_port))
    return True


def _command(home: Path, part: str, port: int) -> list[str]:
    main_class, heap = _MAIN[part]
    class_path = f"{(home / 'hbase' / 'conf').resolve()}:{jar_paths('hbase')[0].parent}/*"
    opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPEN]
    thrift = ["-b", "127.0.0.1", "-p", str(port), "--infoport", "-1"]
    arguments = {MASTER: ["--localRegionServers=0"], REGION: ["-Dhbase.cluster.distributed=true"]}.get(part, thrift)
    return [str(find_java()), heap, *_JVM, *opened, "-cp", class_path, main_class, *arguments, "start"]
