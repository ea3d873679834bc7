"""Download Maven archives with the Ivy inside pyspark, through the user's own Ivy or Maven settings."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from streaming.errors import SetupError
from streaming.local.java import find_java
from streaming.local.processes import write_private
from streaming.local.trust import trust_options

# "~" stands in no coordinate and needs no escaping, so that the file name can be taken apart again.
PATTERN = "[organisation]~[artifact]~[revision].[ext]"
TROUBLE = ("not found", "UnknownHost", "SERVER ERROR", "ConnectException", "refused", "SSL", "No space")
ARRIVED = re.compile(r"\((\d+)kB\)")


def pyspark_jars() -> Path:
    """The folder of archives that pyspark ships. Raises SetupError if pyspark is not installed."""
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise SetupError("pyspark is not installed here; run `make setup`")
    return Path(spec.origin).parent / "jars"


def coordinates_of(path: Path) -> str:
    """Maven coordinates of an archive that `retrieve` wrote.

    >>> coordinates_of(Path("org.apache.kafka~kafka_2.13~4.2.0.jar"))
    'org.apache.kafka:kafka_2.13:4.2.0'
    """
    return path.name.removesuffix(".jar").replace("~", ":")


def retrieve(wanted: str | list[str], folder: Path, scratch: Path, advance: Callable[[int], None]) -> None:
    """Download archives into `folder`: one coordinate with all its dependencies, or exactly the listed ones.

    scratch: folder for Ivy's own cache and files, the caller's to remove.
    advance: called with the bytes of each archive as it arrives.
    Raises SetupError with Ivy's complaint if anything is missing.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    # Whoever lists processes sees a command line, and the proxy may have a password.
    java = find_java()
    options = [*proxy_options(getproxies()), *trust_options(java, scratch)]
    write_private(scratch / "java.options", "".join(f"{_quoted(option)}\n" for option in options))
    command = [str(java), f"@{scratch / 'java.options'}", "-cp", str(_ivy_archive()), "org.apache.ivy.Main"]
    command += ["-settings", str(_settings_file(scratch)), "-cache", str(scratch / "cache"), "-types", "jar", "bundle"]
    command += _request(wanted, scratch) + ["-retrieve", str(folder / PATTERN)]
    complaint = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(".") and (size := ARRIVED.search(line)):
                advance(int(size[1]) * 1024)
            if not complaint and any(sign in line for sign in TROUBLE):
                complaint = line.strip(" \t:\n")
    if process.returncode or not any(folder.glob("*.jar")):
        what = wanted if isinstance(wanted, str) else wanted[0]
        way_out = (
            "see that the network, or the mirror in your Maven or Ivy settings, answers; a mirror that asks for a password needs "
            "Ivy settings, named by IVY_SETTINGS, and a proxy http_proxy and https_proxy: Maven's servers and proxies are not read"
        )
        raise SetupError(f"cannot download {what}: {complaint or 'Ivy gave up'}; {way_out}")


def proxy_options(proxies: dict[str, str]) -> list[str]:
    """Java's properties for the proxies of the environment (http_proxy, https_proxy, no_proxy).

    >>> proxy_options({"https": "http://proxy.example:3128"})
    ['-Dhttps.proxyHost=proxy.example', '-Dhttps.proxyPort=3128']
    """
    options = []
    for scheme in ("http", "https"):
        proxy = urlsplit(proxies.get(scheme, ""))
        if proxy.hostname:
            options += [f"-D{scheme}.proxyHost={proxy.hostname}", f"-D{scheme}.proxyPort={proxy.port or 80}", *_proxy_login(proxy)]
    if options and proxies.get("no"):
        hosts = [host.strip() for host in proxies["no"].split(",")]
        options.append("-Dhttp.nonProxyHosts=" + "|".join(f"*{host}" if host.startswith(".") else host for host in hosts))
    return options


def _proxy_login(proxy: SplitResult) -> list[str]:
    """Ivy knows one user for both schemes; Java by itself sends none to a proxy on the way to https."""
    if not proxy.username:
        return []
    login = [f"-Dhttp.proxyUser={unquote(proxy.username)}", f"-Dhttp.proxyPassword={unquote(proxy.password or '')}"]
    return [*login, "-Djdk.http.auth.tunneling.disabledSchemes="]


def _quoted(option: str) -> str:
    """An option as a line of a file that `java @FILE` reads."""
    escaped = option.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def mirror_of_central(settings: Path) -> str | None:
    """Address of the mirror that a Maven settings.xml names for the central repository, if any.

    Raises SetupError if the file is not XML.
    """
    try:
        root = ElementTree.parse(settings).getroot()  # noqa: S314  # the user's own file, not a stranger's
    except OSError:
        return None
    except ElementTree.ParseError as error:
        raise SetupError(f"{settings}: not XML ({error}); mend or remove it") from None
    for mirror in root.iterfind(".//{*}mirrors/{*}mirror"):
        names = [name.strip() for name in (mirror.findtext("{*}mirrorOf") or "").split(",")]
        url = (mirror.findtext("{*}url") or "").strip()
        if url and "!central" not in names and {"*", "central", "external:*"} & set(names):
            return url
    return None


def _settings_file(scratch: Path) -> Path:
    """The user's Ivy settings where there are some; else a file of our own, with the mirror of the Maven settings."""
    for own in (os.environ.get("IVY_SETTINGS"), Path.home() / ".ivy2" / "ivysettings.xml"):
        if own and Path(own).is_file():
            return Path(own)
    mirror = mirror_of_central(Path.home() / ".m2" / "settings.xml")
    root = f" root={quoteattr(mirror)}" if mirror else ""
    ours = scratch / "ivysettings.xml"
    ours.write_text(
        '<ivysettings><settings defaultResolver="all"/><resolvers><chain name="all">'
        f'<ibiblio name="central" m2compatible="true"{root}/></chain></resolvers></ivysettings>',
        encoding="utf-8",
    )
    return ours


def _request(wanted: str | list[str], scratch: Path) -> list[str]:
    if isinstance(wanted, str):
        return ["-dependency", *wanted.split(":"), "-confs", "default"]
    lines = [
        '<dependency org="{}" name="{}" rev="{}" conf="default->master" transitive="false"/>'.format(*one.split(":")) for one in wanted
    ]
    request = scratch / "ivy.xml"
    request.write_text(
        '<ivy-module version="2.0"><info organisation="local" module="wanted"/><configurations><conf name="default"/></configurations>'
        f"<dependencies>{''.join(lines)}</dependencies></ivy-module>",
        encoding="utf-8",
    )
    return ["-ivy", str(request), "-confs", "default"]


def _ivy_archive() -> Path:
    found = sorted(pyspark_jars().glob("ivy-*.jar"))
    if not found:
        raise SetupError("this pyspark ships no ivy-*.jar; install pyspark==4.0.0")
    return found[-1]
