"""What the commands of `scoring drift` compare: rows of a file, or of a span of the scoring log."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from streaming.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from streaming.models.artifact import Artifact
    from streaming.settings import Settings


class Place(msgspec.Struct, frozen=True):
    """Where rows come from: a file, or a span of the scoring log of the configuration."""

    text: str
    config: Path
    rows: int

    @property
    def is_span(self) -> bool:
        """Whether it is START/END rather than a file."""
        return not Path(self.text).exists() and "/" in self.text and self.text.split("/")[0][:4].isdigit()

    def span(self) -> tuple[datetime, datetime]:
        """START and END, UTC where no zone is told. Raises ConfigError if they are no times, or END is not after START."""
        try:
            start, end = (datetime.fromisoformat(part) for part in self.text.split("/"))
        except ValueError:
            raise ConfigError(f"{self.text}: no span; expected START/END as in 2026-03-01T00:00Z/2026-03-02T00:00Z, or a file") from None
        start, end = (moment if moment.tzinfo else moment.replace(tzinfo=UTC) for moment in (start, end))
        if end <= start:
            raise ConfigError(f"{self.text}: the span ends before it begins; expected START/END")
        return start, end

    def frame(self) -> pd.DataFrame:
        """The rows: features, and in a span prediction_id and score too. Raises ConfigError, StoreError, RegistryError, Unavailable."""
        return self._scored() if self.is_span else read_rows(Path(self.text), self.rows)

    def _scored(self) -> pd.DataFrame:
        from streaming.config import load_settings
        from streaming.models.deployment import load_deployment
        from streaming.service.score_events import scoring_log
        from streaming.sinks.scoring_log_window import feature_frame, read_window

        span = self.span()
        settings = load_settings(self.config, without=("kafka", "store"))  # neither broker nor database is asked
        names = served(settings).manifest.feature_names
        table = read_window(scoring_log(settings), load_deployment(settings.deployment).name, *span, names, rows=self.rows)
        frame = feature_frame(table, names)
        return frame.assign(prediction_id=table.column("prediction_id").to_pylist(), score=table.column("score").to_numpy())


def served(settings: Settings) -> Artifact:
    """The model that the deployment's champion alias names now. Raises RegistryError, ModelError, Unavailable."""
    from streaming.models.deployment import load_deployment
    from streaming.models.registry import Registry

    champion = load_deployment(settings.deployment).champion
    registry = Registry(settings.registry)
    return registry.fetch(registry.resolve(champion.model, champion.alias))


def read_rows(path: Path, rows: int) -> pd.DataFrame:
    """A random sample of the rows of a file, with a fixed seed: numbers float64 (missing NaN), all else text (missing None).

    Raises ConfigError if it is not there, or neither .csv nor .parquet.
    """
    import pandas as pd

    if path.suffix not in (".csv", ".parquet"):
        raise ConfigError(f"{path}: expected .csv, .parquet, or a span START/END of the scoring log")
    try:
        frame = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error}); name a file, or a span START/END") from None
    if len(frame) > rows:
        frame = frame.sample(rows, random_state=0)
    return pd.DataFrame({name: _plain(frame[name]) for name in frame.columns})


def _plain(column: pd.Series) -> pd.Series:
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):
        return column.astype("float64")
    return column.astype(object).where(column.notna(), None)


def labelled(frame: pd.DataFrame, labels: Path | None, target: str, rows: int) -> pd.DataFrame:
    """The rows that have a label, with it in the column `target`.

    labels: a file with prediction_id and the target; None: the rows have the target. Raises ConfigError if it has no such column.
    """
    if labels is not None:
        told = read_rows(labels, rows)
        missing = sorted({"prediction_id", target} - set(told.columns))
        if missing or "prediction_id" not in frame.columns:
            raise ConfigError(f"{labels}: column {', '.join(missing) or 'prediction_id of the rows'} is missing; name it with --target")
        frame = frame.merge(told[["prediction_id", target]].drop_duplicates("prediction_id", keep="last"), on="prediction_id")
    if target not in frame.columns:
        raise ConfigError(f"column {target} is missing; name the outcome with --target, or a file of labels with --labels")
    return frame[frame[target].notna()]
