"""The configuration files of the embedded HBase: everything on loopback, small, and quick to notice what died."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

_ALWAYS = {
    "hbase.cluster.distributed": "false",
    "fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
    # The raw file system does not say that it can hflush, though each of its writes reaches the operating system.
    "hbase.unsafe.stream.capability.enforce": "false",
    "hbase.wal.provider": "filesystem",
    "hbase.zookeeper.quorum": "127.0.0.1",
    "hbase.zookeeper.property.clientPortAddress": "127.0.0.1",
    "hbase.zookeeper.property.tickTime": "1000",
    "hbase.zookeeper.property.maxClientCnxns": "0",
    "zookeeper.session.timeout": "10000",
    "hbase.localcluster.assign.random.ports": "false",
    "hbase.master.hostname": "127.0.0.1",
    "hbase.master.ipc.address": "127.0.0.1",
    "hbase.regionserver.ipc.address": "127.0.0.1",
    "hbase.unsafe.regionserver.hostname": "127.0.0.1",
    "hbase.master.info.port": "-1",
    "hbase.regionserver.info.port": "-1",
    "hbase.thrift.info.port": "-1",
    "hbase.master.wait.on.regionservers.mintostart": "1",
    "hbase.master.wait.on.regionservers.maxtostart": "1",
    "hbase.master.wait.on.regionservers.interval": "100",
    "hbase.regionserver.msginterval": "500",
    "hbase.server.thread.wakefrequency": "500",
    "hbase.regionserver.handler.count": "10",
    "hbase.regionserver.metahandler.count": "4",
    "hbase.hregion.memstore.flush.size": str(32 * 1024 * 1024),
    "hbase.client.pause": "50",
    "hbase.client.retries.number": "10",
    # What the Thrift servers wait for; below a client's own time limit, so that the client hears the reason.
    "hbase.rpc.timeout": "10000",
    "hbase.client.operation.timeout": "20000",
    "hbase.client.meta.operation.timeout": "20000",
}
_LOG = """\
log4j.rootLogger=WARN,console
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.target=System.err
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%d{ISO8601} %-5p [%t] %c{2}: %m%n
"""


def write_configuration(folder: Path, *, zookeeper: int, master: int, region: int) -> None:
    """Write hbase-site.xml and log4j.properties under folder/conf; data, logs and ZooKeeper's data go under `folder` too.

    zookeeper, master, region: ports on 127.0.0.1, the same at every start: a server that comes back at its port is known to be new at
    once, where another port would be waited for until the old session ends.
    """
    places = {
        "hbase.rootdir": (folder / "data").resolve().as_uri(),
        "hbase.tmp.dir": str((folder / "tmp").resolve()),
        "hbase.zookeeper.property.dataDir": str((folder / "zookeeper").resolve()),
        "hbase.zookeeper.property.clientPort": str(zookeeper),
        "hbase.master.port": str(master),
        "hbase.regionserver.port": str(region),
    }
    conf = folder / "conf"
    conf.mkdir(parents=True, exist_ok=True)
    (conf / "hbase-site.xml").write_text(site(_ALWAYS | places), encoding="utf-8")
    (conf / "log4j.properties").write_text(_LOG, encoding="utf-8")


def site(settings: dict[str, str]) -> str:
    r"""Settings as a Hadoop configuration file.

    >>> site({"a": "1 < 2"})
    '<configuration>\n<property><name>a</name><value>1 &lt; 2</value></property>\n</configuration>\n'
    """
    lines = [f"<property><name>{name}</name><value>{escape(value)}</value></property>" for name, value in settings.items()]
    return "\n".join(["<configuration>", *lines, "</configuration>"]) + "\n"
