"""Every setting: its type, its bounds, its default, and what it means. How a file of them is read: config.py."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationInfo, model_validator


def _anchor(value: object, info: ValidationInfo) -> object:
    """Make a relative path absolute, from the configuration file's folder."""
    folder: Path = (info.context or {}).get("folder", Path.cwd())
    return (folder / value).resolve() if isinstance(value, str) else value


def _anchor_sqlite(value: object, info: ValidationInfo) -> object:
    """Make the path in sqlite:///PATH absolute likewise; other addresses stay."""
    if isinstance(value, str) and value.startswith("sqlite:///") and not value.startswith("sqlite:////"):
        return f"sqlite:///{_anchor(value.removeprefix('sqlite:///'), info)}"
    return value


_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
Kind = Literal["event", "rejected", "replay", "metrics", "alerts", "predictions", "labels"]
StoreKind = Literal["postgres", "hbase"]
DriftMeasure = Literal[
    "psi", "ks", "jensen_shannon", "hellinger", "wasserstein", "chi_squared", "l_infinity", "missing_share", "unseen_share"
]


def _anchor_hadoop(value: object, info: ValidationInfo) -> object:
    """Make a relative path absolute; what has a scheme (s3a://bucket, hdfs:/x, file:/x) stays, and so does an empty text."""
    return str(_anchor(value, info)) if isinstance(value, str) and value and not _SCHEME.match(value) else value


AnchoredPath = Annotated[Path, BeforeValidator(_anchor)]
TrackingUri = Annotated[str, BeforeValidator(_anchor_sqlite)]
HadoopPath = Annotated[str, BeforeValidator(_anchor_hadoop)]


class Section(BaseModel):
    """A table of the file: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Kafka(Section):
    """The brokers, and what every client of ours adds to its own settings (security.protocol, sasl.*, …)."""

    bootstrap_servers: str = Field(description="host:port[,host:port…] of the brokers")
    client: dict[str, str] = Field(default={}, repr=False, description="librdkafka settings for every client, e.g. sasl.username")
    spark_client: dict[str, str] = Field(
        default={},
        repr=False,
        description="settings of Spark's own Kafka client (Java's names) that stand above those translated from client",
    )
    wait_s: float = Field(default=10, gt=0, description="how long start-up waits for the brokers before it says so")


class Topics(Section):
    """Names of the topics; an empty name follows the event's: <event>.rejected and so on."""

    event: str = Field(default="customer_activity", description="events to score")
    rejected: str = Field(default="", description="events that broke the contract, with their reasons")
    metrics: str = Field(default="", description="figures of every batch, for the drift job and the reports")
    alerts: str = Field(default="", description="alerts of the drift job")
    replay: str = Field(default="", description="rejected events sent again; only `scoring rejected replay` writes it")
    predictions: str = Field(default="", description="predictions that stand, where `sinks.topic` asks for it")
    labels: str = Field(default="", description="what came of predictions, for the label join")
    partitions: int = Field(default=4, ge=1, description="partitions of the event topic when `scoring topics create` makes it")
    replication: int = Field(default=1, ge=1, description="replicas of each topic when `scoring topics create` makes it")
    metrics_retention_days: int = Field(
        default=90, ge=1, description="how long the metrics topic keeps its records when `scoring topics create` makes it"
    )
    max_message_bytes: int = Field(
        default=12_582_912, ge=1024, description="limit of the event topic; the rejected topic's is a third above"
    )

    def of(self, kind: Kind) -> str:
        """Name of the event's topic or of a companion."""
        return str(getattr(self, kind)) or f"{self.event}.{kind}"


# A job that is not given the store's table leaves env: and file: texts as they are.
_ADDRESS = r"^(env|file):|^[^:]+:\d+$"


class HBaseSettings(Section):
    """HBase behind its Thrift server."""

    address: str = Field(default="127.0.0.1:9090", pattern=_ADDRESS, description="host:port of the Thrift server")
    namespace: str = Field(default="scoring", pattern=r"^[A-Za-z0-9_]+$", description="namespace of the tables, one for each environment")
    history_ttl_days: int = Field(default=0, ge=0, description="how long the history is kept; 0: for ever. The current rows always stay")
    regions: int = Field(default=8, ge=1, le=256, description="regions that each table is split into when it is made")
    thrift2_address: str = Field(
        default="",
        pattern=rf"^$|{_ADDRESS}",
        description="host:port of a Thrift 2 server, which makes tables and takes current rows in batches; empty: one by one",
    )
    batch_rows: int = Field(default=500, ge=1, description="most rows in one Thrift call")
    batch_bytes: int = Field(default=4_194_304, ge=1024, description="most bytes in one Thrift call; a larger row goes alone")
    connections: int = Field(default=3, ge=1, description="connections of one task to each Thrift server")
    timeout_s: float = Field(default=30, gt=0, description="how long one Thrift call may take")
    ca_file: AnchoredPath | None = Field(
        default=None,
        description="certificates (PEM) that those of a TLS proxy at `address` are checked against; without it there is no TLS",
    )
    certificate_file: AnchoredPath | None = Field(default=None, description="certificate (PEM) to show to the TLS proxy, if it asks")
    key_file: AnchoredPath | None = Field(default=None, description="its key (PEM, without a password)")


class Store(Section):
    """The operational store."""

    kind: StoreKind = Field(default="postgres", description="which store; its verdicts say which predictions stand")
    also: tuple[StoreKind, ...] = Field(default=(), description="further stores that get the predictions that stand")
    dsn: SecretStr = Field(default=SecretStr(""), description="libpq connection string for postgres; write it as env:NAME or file:PATH")
    retry_max_s: float = Field(default=15, gt=0, description="longest pause between two tries while a sink is away")
    statement_timeout_s: float = Field(default=60, gt=0, description="longest a statement may take at PostgreSQL's server")
    retention_months: int = Field(default=0, ge=0, description="whole months of PostgreSQL's history beside this one; 0: for ever")
    writer: str = Field(default="", description="PostgreSQL role that `scoring store migrate` gives what the jobs need; empty: none")
    reader: str = Field(default="", description="PostgreSQL role that may read the tables, likewise")
    hbase: HBaseSettings = HBaseSettings()

    @property
    def kinds(self) -> tuple[StoreKind, ...]:
        """The stores in use, the judge first."""
        return tuple(dict.fromkeys((self.kind, *self.also)))

    @model_validator(mode="after")
    def _addressed(self) -> Store:
        if "postgres" in self.kinds and not self.dsn.get_secret_value():
            raise ValueError("store.dsn is required and missing: postgres needs it")
        return self


class Sinks(Section):
    """Where the predictions that stand go beside the operational store; what is away holds the batch."""

    topic: bool = Field(default=False, description="publish them to the topic of predictions")
    files: HadoopPath = Field(
        default="", description="folder or fsspec URL (s3://, gs://, abfs://, hdfs://, …) for Parquet files; empty: none"
    )


class Registry(Section):
    """MLflow: where models are registered."""

    tracking_uri: TrackingUri = Field(repr=False, description="MLflow tracking server, or sqlite:///PATH")
    artifact_root: AnchoredPath | None = Field(default=None, description="folder of the artefacts where the tracking URI is SQLite")
    refresh_s: float = Field(default=2, gt=0, description="how often aliases are looked up")


class SchemaRegistry(Section):
    """A schema registry with Confluent's REST API, for events that name their schema by an id; without `url` there is none."""

    url: str = Field(default="", pattern="^$|^https?://", description="http(s)://host:port[,…]; empty: no registry, no frames")
    user: str = Field(default="", description="user of basic authentication")
    password: SecretStr = Field(default=SecretStr(""), description="its password; write it as env:NAME or file:PATH")
    token: SecretStr = Field(default=SecretStr(""), description="bearer token in place of user and password; env:NAME or file:PATH")
    cluster: str = Field(default="", description="header target-sr-cluster that goes with the token, where a cloud wants one")
    identity_pool: str = Field(default="", description="header Confluent-Identity-Pool-Id that goes with the token, likewise")
    ca_file: AnchoredPath | None = Field(default=None, description="certificates (PEM) that the registry's is checked against")
    timeout_s: float = Field(default=5, gt=0, description="how long one request may take")
    unknown_s: float = Field(default=10, ge=0, description="how long an id stays unknown before the registry is asked again")
    subject: Literal["topic", "record", "topic_record"] = Field(
        default="topic", description="where producers look their schema up: <topic>-value, the record's name, or <topic>-<name>"
    )
    schema_id: Literal["prefix", "header"] = Field(default="prefix", description="producers write the id before the value or in a header")


NO_REGISTRY = SchemaRegistry()


class Stream(Section):
    """The scoring job."""

    checkpoint: HadoopPath = Field(description="Hadoop path of the checkpoint (offsets, commits, plans)")
    scoring_log: HadoopPath = Field(default="", description="folder of the scoring log (Parquet); empty: next to the checkpoint")
    max_offsets_per_trigger: int = Field(default=100_000, ge=1, description="most events in a micro-batch")
    events_per_task: int = Field(default=10_000, ge=1, description="events that one task takes before a second one pays")
    arrow_batch_rows: int = Field(default=10_000, ge=1, description="rows of an Arrow batch")
    max_event_bytes: int = Field(default=1_048_576, ge=1, description="a larger event is rejected unread")
    allowed_skew_s: float = Field(default=300, ge=0, description="an event from further in the future is rejected")
    score_limit_s: float = Field(default=10, ge=0, description="an event that the model takes longer for is rejected; 0: no limit")
    worker_limit_s: float = Field(
        default=300, ge=0, description="a worker without a sign of life for so long is ended and its task done again; 0: none is"
    )
    starting_offsets: Literal["earliest", "latest"] = Field(default="earliest", description="where a query without a checkpoint begins")
    on_gap: Literal["fail", "continue"] = Field(
        default="fail", description="events gone before they were read: end the job, or record the gap and go on behind it"
    )
    restart_pause_s: float = Field(default=2, gt=0, description="first pause before the query is started again after an outage; doubles")
    restart_max_s: float = Field(default=30, gt=0, description="longest pause before the query is started again")
    stop_wait_s: float = Field(default=25, gt=0, description="how long SIGTERM lets a running batch end; then it is given up and replayed")
    consumer_group: str = Field(default="", description="group that shows lag to Kafka's tools; empty: scoring.<deployment>")

    def log_folder(self) -> str:
        """Folder of the scoring log: by default next to the checkpoint."""
        return self.scoring_log or f"{self.checkpoint.rstrip('/')}_log"


class Drift(Section):
    """The drift job."""

    checkpoint: HadoopPath = Field(description="Hadoop path of the checkpoint")
    window_s: float = Field(default=3600, gt=0, description="a window is at least this long …")
    window_events: int = Field(default=1000, ge=1, description="… and holds at least so many scored events")
    psi_threshold: float = Field(default=0.2, gt=0, description="PSI at which a feature counts as drifted")
    rejected_share: float = Field(default=0.05, gt=0, le=1, description="share of a window's events rejected at which it is an alert")
    alert_on: tuple[DriftMeasure, ...] = Field(default=("psi",), min_length=1, description="measures against training that raise an alert")
    thresholds: dict[DriftMeasure, Annotated[float, Field(gt=0)]] = Field(
        default={}, description="size from which a measure is a shift, where it is not to be that of docs/drift-measures.md"
    )
    false_share: float = Field(
        default=0.01, gt=0, le=1, description="largest adjusted p-value of a shift: its share of false ones among all features of a window"
    )
    min_events: int = Field(default=30, ge=1, description="a window or a training of fewer is never a shift")
    season_windows: int = Field(
        default=24, ge=1, le=1000, description="windows in a season: each is compared with the one a season ago too"
    )
    trigger_s: float = Field(default=10, ge=0, description="pause between two micro-batches of the job")
    webhook: SecretStr = Field(
        default=SecretStr(""), description="URL that alerts are POSTed to as JSON; env:NAME or file:PATH; empty: none"
    )
    webhook_timeout_s: float = Field(default=5, gt=0, description="how long one POST may take")
    webhook_tries: int = Field(default=4, ge=1, description="how often a POST is tried before the alert stays on its topic alone")


class Labels(Section):
    """The label join: how it works. What labels mean to a deployment stands in its own file, in [truth]."""

    batch: int = Field(default=2000, ge=1, description="most labels in one transaction")
    every_s: float = Field(default=10, gt=0, description="pause between two looks at what waits: labels, and windows to compute")
    settle_s: float = Field(default=1, ge=0, description="how long a batch may wait for more labels before it is stored")
    windows: int = Field(default=20, ge=1, description="most windows computed between two looks at the topic")


class Tracking(Section):
    """The metrics SDK, streaming.metrics: what is tracked waits on disk until the brokers have it."""

    outbox: AnchoredPath | None = Field(
        default=None, description="folder where it waits; without one streaming-scoring/outbox in $XDG_STATE_HOME or ~/.local/state"
    )
    outbox_bytes: int = Field(default=67_108_864, ge=65_536, description="most bytes that one process lets wait")
    on_full: Literal["block", "raise"] = Field(default="block", description="a call beyond outbox_bytes waits, or raises OutboxFull")
    fsync: Literal["always", "segment", "never"] = Field(
        default="segment",
        description="when waiting records are forced to the disk: in each call, with each file of them, or never; "
        "a killed process loses nothing under either, a machine that loses power may",
    )
    linger_s: float = Field(default=0.05, ge=0, description="how long records are gathered before they are sent together")
    exit_wait_s: float = Field(default=5, ge=0, description="how long a process that ends waits for the brokers; the rest goes later")


class MetricStore(Section):
    """The metric store: the job write-metrics keeps it in store.dsn."""

    batch_records: int = Field(default=500, ge=1, description="most records in one transaction")
    linger_s: float = Field(default=1, gt=0, description="how long records are gathered before they are written together")
    minute_days: int = Field(default=14, ge=1, description="whole days that figures by the minute are kept")
    hour_months: int = Field(default=13, ge=1, description="whole months that figures by the hour, and single values, are kept")
    day_years: int = Field(default=10, ge=1, description="whole years that figures by the day are kept")
    tracked_months: int = Field(default=25, ge=1, description="whole months that what was tracked of single predictions is kept")
    record_days: int = Field(
        default=180, ge=1, description="days that ids of records are remembered; more than the metrics topic keeps its records"
    )


class Http(Section):
    """The driver's /metrics, /livez and /readyz."""

    host: str = Field(default="127.0.0.1", description="address to listen at; others than loopback can be reached by others")
    score_events_port: int = Field(default=0, ge=0, le=65535, description="0 takes a free port and logs it")
    detect_drift_port: int = Field(default=0, ge=0, le=65535, description="likewise")
    write_metrics_port: int = Field(default=0, ge=0, le=65535, description="likewise")
    join_labels_port: int = Field(default=0, ge=0, le=65535, description="likewise")
    port_file: AnchoredPath | None = Field(default=None, description="folder where each job writes <job>.port")


class Log(Section):
    """Logs of the jobs."""

    format: Literal["auto", "json", "text"] = Field(default="auto", description="auto: readable on a terminal, JSON elsewhere")
    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="lines below it are not written")


class Spark(Section):
    """What `scoring run` hands to spark-submit."""

    master: str = Field(default="local[2,4]", description="where tasks run; local[N,4]: N at once, each tried four times")
    driver_memory: str = Field(default="2g", description="heap of the driver's JVM")
    conf: dict[str, str] = Field(default={}, repr=False, description="any other Spark property; a secret may stand here, it is no argument")


class Settings(Section):
    """The whole file."""

    kafka: Kafka
    topics: Topics = Topics()
    store: Store
    sinks: Sinks = Sinks()
    registry: Registry
    schema_registry: SchemaRegistry = NO_REGISTRY
    stream: Stream
    drift: Drift
    labels: Labels = Labels()
    tracking: Tracking = Tracking()
    metric_store: MetricStore = MetricStore()
    http: Http = Http()
    log: Log = Log()
    spark: Spark = Spark()
    schemas: AnchoredPath = Field(description="folder of the event schemas")
    deployment: AnchoredPath = Field(description="file of the deployment that the job serves")


# Tables that the drift job has no use for: whoever runs it need not be given the store's password.
DRIFT_WITHOUT = ("store", "sinks", "registry", "schema_registry")
# Likewise for the metric store's job and readers, and for who tracks or asks without a store of its own.
METRICS_WITHOUT = ("sinks", "registry", "schema_registry", "stream", "drift", "spark")
TRACKING_WITHOUT = (*METRICS_WITHOUT, "store")
