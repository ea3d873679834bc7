"""One moment of a service as plain data: what the terminal page shows and `scoring top --json` prints."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import psycopg

from streaming.errors import StoreError, Unavailable
from streaming.models.deployment import load_deployment
from streaming.records import rfc3339
from streaming.report.headline import Headline, Latency, features, headline, latency, latency_now, rate_now
from streaming.report.reader import Reader
from streaming.report.story import SCORE, Story, Version
from streaming.settings import Settings
from streaming.sinks.hbase.reader import stored
from streaming.sinks.hbase.tables import CURRENT

AT_RISK = """
SELECT entity_id, score, event_time, scored_at, model_version FROM current_prediction
WHERE deployment = %s ORDER BY score DESC, entity_id LIMIT %s
"""
MOST_AT_RISK = 10
STORE_WAIT_S = 2
HBASE_ROWS = 5000


class FeatureLine(msgspec.Struct, frozen=True):
    """Drift of one feature (or of the score) in the newest window; value None before the first window."""

    name: str
    measure: str
    value: float | None
    threshold: float | None
    drifted: bool
    since: str | None


class Risk(msgspec.Struct, frozen=True):
    """One row of `current_prediction`; times are RFC 3339."""

    entity_id: str
    score: float
    event_time: str
    scored_at: str
    model_version: str


class Notice(msgspec.Struct, frozen=True):
    """One alert; times are RFC 3339."""

    at: str
    state: str
    feature: str
    value: float
    threshold: float
    since: str


class Frame(msgspec.Struct, frozen=True):
    """Everything on the page. `lag`, `at_risk`: None where the brokers or the store do not answer, or the table is not there."""

    at: str
    deployment: str
    total: Headline
    events_per_s_now: float
    latency_ms_recent: Latency
    lag: int | None
    features: list[FeatureLine]
    score: FeatureLine | None
    alerts: list[Notice]
    at_risk: list[Risk] | None


def frame(story: Story, settings: Settings, *, lag: int | None) -> Frame:
    """The present moment of a story, with the customers at risk read from the store now."""
    deployment = load_deployment(settings.deployment).name
    return compose(story, deployment, lag=lag, at_risk=read_at_risk(settings, deployment), now=datetime.now(UTC))


def frame_of(reader: Reader, settings: Settings) -> Frame:
    """The present moment of the service that a reader follows. Asks the brokers for the lag and the store for the customers."""
    return frame(reader.story, settings, lag=reader.lag())


def compose(story: Story, deployment: str, *, lag: int | None, at_risk: list[Risk] | None, now: datetime) -> Frame:
    """A frame from its parts, without asking anyone. now: an aware time."""
    version = story.serving()
    return Frame(
        at=rfc3339(now),
        deployment=deployment,
        total=headline(story),
        events_per_s_now=round(rate_now(story, now.timestamp()), 1),
        latency_ms_recent=latency(latency_now(story)),
        lag=lag,
        features=[_line(version, name) for name in features(version)] if version else [],
        score=_line(version, SCORE) if version and version.drift else None,
        alerts=[Notice(a.at, a.state, a.feature, a.value, a.threshold, a.since) for a in reversed(story.alerts)][:20],
        at_risk=at_risk,
    )


def read_at_risk(settings: Settings, deployment: str, most: int = MOST_AT_RISK) -> list[Risk] | None:
    """The entities of a deployment with the highest current score; None where the store or its table is not there.

    HBase has no index by score: there they are the highest among the first HBASE_ROWS entities, which their salted keys make a sample.
    """
    if settings.store.kind == "hbase":
        return _at_risk_hbase(settings, deployment, most)
    try:
        with psycopg.connect(settings.store.dsn.get_secret_value(), connect_timeout=STORE_WAIT_S) as connection:
            connection.execute(f"SET statement_timeout = {STORE_WAIT_S * 1000}")
            rows = connection.execute(AT_RISK, (deployment, most)).fetchall()
    except psycopg.Error:
        return None
    return [Risk(entity, score, rfc3339(event_time), rfc3339(scored_at), version) for entity, score, event_time, scored_at, version in rows]


def _at_risk_hbase(settings: Settings, deployment: str, most: int) -> list[Risk] | None:
    hbase = settings.store.hbase.model_copy(update={"timeout_s": STORE_WAIT_S})
    try:
        rows = [row.record for row in stored(hbase, CURRENT, most=HBASE_ROWS) if row.record["deployment"] == deployment]
    except (Unavailable, StoreError):
        return None
    rows.sort(key=lambda row: (-row["score"], row["entity_id"]))
    return [Risk(*(row[name] for name in Risk.__struct_fields__)) for row in rows[:most]]


def _line(version: Version, name: str) -> FeatureLine:
    verdict = version.verdict(name)
    if verdict is None:
        return FeatureLine(name, "", None, None, False, None)
    return FeatureLine(name, verdict.measure, verdict.value, verdict.threshold, verdict.drifted, verdict.since)
