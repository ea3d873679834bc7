from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import psutil
import pytest

from streaming.errors import SetupError
from streaming.local import jars
from streaming.local.ivy import mirror_of_central, proxy_options, retrieve

ROOT = jars.root_of("broker")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STREAMING_SCORING_CACHE", str(tmp_path))
    return tmp_path


def test_the_lock_holds_both_sets_for_the_pinned_versions() -> None:
    assert len(jars.read_lock(jars.LOCK, ROOT)) == 45
    spark = {jar.coordinates for jar in jars.read_lock(jars.LOCK, jars.root_of("spark-kafka"))}
    assert jars.root_of("spark-kafka") in spark
    assert all(len(jar.sha256) == 64 and jar.size_bytes > 0 for jar in jars.read_lock(jars.LOCK, ROOT))


def test_hbase_is_locked_too_and_fetched_only_by_its_name(cache: Path) -> None:
    locked = jars.read_lock(jars.LOCK, jars.root_of("hbase"))
    assert jars.root_of("hbase") in {jar.coordinates for jar in locked}
    assert "hbase" not in jars.SETS
    with pytest.raises(SetupError, match="python -m streaming.local.jars hbase"):
        jars.jar_paths("hbase")


def test_a_set_that_there_is_not_is_refused() -> None:
    with pytest.raises(SetupError, match="hive is no set of archives; name some of spark-kafka, "):
        jars.main(["hive"])


def test_an_unknown_version_is_not_in_the_lock() -> None:
    assert jars.read_lock(jars.LOCK, "org.apache.kafka:kafka_2.13:9.9.9") == []


def test_the_cache_follows_the_environment(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert jars.cache_folder() == cache
    monkeypatch.delenv("STREAMING_SCORING_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert jars.cache_folder() == Path("/xdg/streaming-scoring")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert jars.cache_folder() == Path.home() / ".cache" / "streaming-scoring"


def fill(cache: Path, content: bytes) -> Path:
    folder = cache / "jars" / ROOT.replace(":", "_")
    folder.mkdir(parents=True)
    (folder / "a~b~1.jar").write_bytes(b"12345")
    (folder / "jars.lock").write_text(jars.lock_text(ROOT, jars.measure(folder)))
    (folder / "a~b~1.jar").write_bytes(content)
    return folder


def test_a_filled_cache_gives_its_paths(cache: Path) -> None:
    folder = fill(cache, b"12345")
    assert jars.jar_paths("broker") == [folder / "a~b~1.jar"]


@pytest.mark.parametrize("content", [b"", b"1234"])
def test_half_an_archive_is_not_taken_for_whole(cache: Path, content: bytes) -> None:
    fill(cache, content)
    with pytest.raises(SetupError, match="make setup"):
        jars.jar_paths("broker")


def test_an_empty_cache_is_told_with_the_way_out(cache: Path) -> None:
    with pytest.raises(SetupError, match=rf"the archives of {ROOT} are not in .*make setup"):
        jars.jar_paths("broker")


def maven(folder: Path, mirrors: str) -> Path:
    path = folder / "settings.xml"
    path.write_text(f'<settings xmlns="http://maven.apache.org/SETTINGS/1.2.0"><mirrors>{mirrors}</mirrors></settings>')
    return path


@pytest.mark.parametrize(
    ("mirror_of", "found"),
    [("*", True), ("central", True), ("external:*", True), ("a, central", True), ("*,!central", False), ("other", False)],
)
def test_the_mirror_of_the_users_maven_settings_holds(tmp_path: Path, mirror_of: str, found: bool) -> None:
    path = maven(tmp_path, f"<mirror><id>m</id><mirrorOf>{mirror_of}</mirrorOf><url>http://mirror.example/maven</url></mirror>")
    assert mirror_of_central(path) == ("http://mirror.example/maven" if found else None)


def test_no_settings_no_mirror_and_broken_settings_are_told(tmp_path: Path) -> None:
    assert mirror_of_central(tmp_path / "settings.xml") is None
    (tmp_path / "settings.xml").write_text("<settings>")
    with pytest.raises(SetupError, match="not XML"):
        mirror_of_central(tmp_path / "settings.xml")


def test_hosts_without_a_proxy_are_passed_on() -> None:
    options = proxy_options({"https": "http://proxy.example:3128", "no": "localhost,.inside.example"})
    assert options[-1] == "-Dhttp.nonProxyHosts=localhost|*.inside.example"
    assert proxy_options({}) == []


class AskingProxy(BaseHTTPRequestHandler):
    """A proxy that wants a user, then finds nothing; remembers what it was told, and the command lines meanwhile."""

    told: ClassVar[set[tuple[str, str]]] = set()
    command_lines: ClassVar[list[str]] = []

    def answer(self) -> None:
        """407 without a login, 404 with one."""
        login = self.headers.get("Proxy-Authorization", "")
        self.told.add((self.command, login))
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):  # one that another test of this process left, and that ends just now
                self.command_lines.append(" ".join(child.cmdline()))
        self.send_response(404 if login else 407)
        self.send_header("Proxy-Authenticate", 'Basic realm="proxy"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_HEAD(self) -> None:
        self.answer()

    def do_CONNECT(self) -> None:
        self.answer()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def asking_proxy() -> Iterator[str]:
    AskingProxy.told.clear()
    AskingProxy.command_lines.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), AskingProxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.integration
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_proxys_user_and_password_reach_it_and_no_command_line(
    scheme: str, asking_proxy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".m2").mkdir()
    maven(tmp_path / ".m2", f"<mirror><mirrorOf>*</mirrorOf><url>{scheme}://mirror.example/maven</url></mirror>")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("IVY_SETTINGS", raising=False)
    for name in ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(f"{scheme}_proxy", f"http://me:a%20%22secret%5C@{asking_proxy}")
    with pytest.raises(SetupError, match="IVY_SETTINGS"):
        retrieve("org.example:nothing:1", tmp_path / "jars", tmp_path / "scratch", lambda size: None)
    login = "Basic " + base64.b64encode(b'me:a "secret\\').decode()
    assert ("CONNECT" if scheme == "https" else "HEAD", login) in AskingProxy.told
    assert any("org.apache.ivy.Main" in line for line in AskingProxy.command_lines)
    assert not any("secret" in line for line in AskingProxy.command_lines)
    assert (tmp_path / "scratch" / "java.options").stat().st_mode & 0o777 == 0o600


@pytest.mark.integration
def test_a_mirror_that_is_not_there_is_told_in_one_line_and_leaves_nothing(
    cache: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path_factory.mktemp("home")
    (home / ".m2").mkdir()
    maven(home / ".m2", "<mirror><mirrorOf>*</mirrorOf><url>http://127.0.0.1:9/maven</url></mirror>")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("IVY_SETTINGS", raising=False)
    with pytest.raises(SetupError, match=r"cannot download org\.apache\..*see that the network, or the mirror"):
        jars.fetch("spark-kafka", lambda size: None)
    assert list((cache / "jars").iterdir()) == []


@pytest.mark.integration
def test_archives_come_from_the_users_mirror_and_must_be_those_of_the_lock(
    cache: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = tmp_path_factory.mktemp("mirror")
    for jar in jars.read_lock(jars.LOCK, jars.root_of("spark-kafka")):
        publish(mirror, jar.coordinates)
    settings = mirror / "ivysettings.xml"
    settings.write_text(
        '<ivysettings><settings defaultResolver="m"/><resolvers><filesystem name="m" m2compatible="true">'
        f'<ivy pattern="{mirror}/[organisation]/[module]/[revision]/[module]-[revision].pom"/>'
        f'<artifact pattern="{mirror}/[organisation]/[module]/[revision]/[artifact]-[revision].[ext]"/>'
        "</filesystem></resolvers></ivysettings>"
    )
    monkeypatch.setenv("IVY_SETTINGS", str(settings))
    with pytest.raises(SetupError, match=r"expected sha256 .*, got sha256 .*what your mirror delivers"):
        jars.fetch("spark-kafka", lambda size: None)
    assert list((cache / "jars").iterdir()) == []


def publish(mirror: Path, coordinates: str) -> None:
    group, artifact, revision = coordinates.split(":")
    folder = mirror / group.replace(".", "/") / artifact / revision
    folder.mkdir(parents=True)
    (folder / f"{artifact}-{revision}.jar").write_bytes(b"not the real one")
    (folder / f"{artifact}-{revision}.pom").write_text(
        f"<project><modelVersion>4.0.0</modelVersion><groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
        f"<version>{revision}</version></project>"
    )
