"""The stand that measures run on: services of its own in a temporary folder, and a fresh database, topics and checkpoint for each."""

from __future__ import annotations

import json
import tomllib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from streaming.config import load_settings
from streaming.errors import ConfigError
from streaming.kafka.topics import create_topics
from streaming.local import services
from streaming.local.table import train_table
from streaming.local.telco import DEFAULT_DATA
from streaming.settings import Settings
from streaming.sinks.migrate import migrate

REPOSITORY = Path(__file__).resolve().parents[1]
_OPEN_TABLES = ("spark.conf", "kafka.client")  # their keys may have dots
Table = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where one measure works."""

    folder: Path
    config: Path
    settings: Settings


class Stand:
    """Running services, and a registry whose champion is trained once for all measures."""

    def __init__(self, home: Path, overrides: Mapping[str, Any]) -> None:
        """overrides: settings by dotted path. Raises ServiceError, SetupError, ConfigError."""
        self.home, self._overrides = home, overrides
        self._services = services.up(home, say=lambda _: None)
        train_table(load_settings(self._configure("training", self._services.dsn)), REPOSITORY / DEFAULT_DATA, check=False)

    @contextmanager
    def place(self, name: str) -> Iterator[Place]:
        """A fresh place for a measure; its database goes afterwards, so that no vacuum of it disturbs the next one."""
        database = f"bench_{uuid.uuid4().hex[:12]}"
        self._administer(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        config = self._configure(name, urlsplit(self._services.dsn)._replace(path=f"/{database}").geturl())
        settings = load_settings(config)
        create_topics(settings)
        migrate(settings.store.dsn.get_secret_value())
        self._administer(sql.SQL("CHECKPOINT"))
        try:
            yield Place(config.parent, config, settings)
        finally:
            self._administer(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))

    def service_pids(self) -> dict[str, int]:
        """Process ids of the services that run, by name."""
        return {one.name: one.pid for one in services.status(self.home) if one.pid is not None}

    def _administer(self, statement: sql.SQL | sql.Composed) -> None:
        with psycopg.connect(self._services.dsn, autocommit=True) as connection:
            connection.execute(statement)

    def _configure(self, name: str, dsn: str) -> Path:
        folder = self.home / name
        (folder / "run").mkdir(parents=True, exist_ok=True)
        (folder / "postgres.dsn").write_text(dsn, encoding="utf-8")
        tables = _tables(self.home, self._services.bootstrap)
        for path, value in self._overrides.items():
            table, key = _address(path)
            tables.setdefault(table, {})[key] = value
        config = folder / "bench.toml"
        config.write_text(_toml(tables), encoding="utf-8")
        return config


def parse_overrides(pairs: Sequence[str]) -> dict[str, Any]:
    """Settings from texts PATH=VALUE; the value is TOML, or else a text.

    >>> parse_overrides(["stream.events_per_task=500", "spark.master=local[1]"])
    {'stream.events_per_task': 500, 'spark.master': 'local[1]'}
    """
    return dict(_override(pair) for pair in pairs)


def _override(pair: str) -> tuple[str, Any]:
    path, equals, text = pair.partition("=")
    if not equals or "." not in path:
        raise ConfigError(f"--set {pair}: expected TABLE.KEY=VALUE, for example stream.max_offsets_per_trigger=50000")
    try:
        return path, tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return path, text


def _address(path: str) -> tuple[str, str]:
    for table in _OPEN_TABLES:
        if path.startswith(f"{table}."):
            return table, path.removeprefix(f"{table}.")
    table, _, key = path.partition(".")
    return table, key


def _tables(home: Path, bootstrap: str) -> dict[str, Table]:
    """The configuration that measures share: whatever is not named here has its default of streaming/settings.py."""
    return {
        "": {"schemas": str(REPOSITORY / "schemas"), "deployment": str(REPOSITORY / "conf/deployments/churn_risk.toml")},
        "kafka": {"bootstrap_servers": bootstrap},
        "topics": {"event": f"activity_{uuid.uuid4().hex[:12]}"},
        "store": {"dsn": "file:postgres.dsn"},
        "registry": {"tracking_uri": f"sqlite:///{home}/registry/mlflow.db", "artifact_root": f"{home}/registry/artifacts"},
        "stream": {"checkpoint": "checkpoints/score_events"},
        "drift": {"checkpoint": "checkpoints/detect_drift"},
        "http": {"port_file": "run"},
    }


def _toml(tables: Mapping[str, Table]) -> str:
    """TOML text of tables of plain values; JSON writes those as TOML does."""
    lines = []
    for name, table in tables.items():
        lines += [f"[{name}]"] if name else []
        lines += [f"{json.dumps(key)} = {json.dumps(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"
