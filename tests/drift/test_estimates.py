"""The drift job estimates performance of each closed window from the topic alone, on the real churn table."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from churn_model import churn_artifact, churn_model
from drift_records import KEY, group, metrics, reference

from streaming.drift.detect import Limits, take
from streaming.drift.intake import fault
from streaming.drift.series import Series, by_series
from streaming.local.telco import POSITIVE, TARGET, load_telco, split
from streaming.metrics.estimate_records import Calibration, Estimate
from streaming.metrics.records import Drift, Metrics, Reference
from streaming.metrics.sketches import Histogram
from streaming.models.training import as_table
from streaming.truth.on_rows import estimate_rows, measure

DATA = Path(__file__).parents[2] / "examples" / "churn" / "telco_churn.csv"
LIMITS = Limits(window_s=1, window_events=600, psi_threshold=0.2)
MANIFEST = churn_artifact().manifest
EDGES = MANIFEST.score.bins.edges


def the_reference() -> Reference:
    """The churn model's, without its features."""
    return reference(bins={}, counts={}, score_bins=MANIFEST.score.bins, score_counts=MANIFEST.score.counts)


def the_calibration(sha256: str) -> Calibration:
    assert MANIFEST.calibration is not None
    return Calibration("c", "2026-03-04T05:06:07.000000Z", *KEY, model_sha256=sha256, cells=MANIFEST.calibration)


def scored() -> tuple[np.ndarray, np.ndarray]:
    """Scores and outcomes of the held-out customers."""
    unseen = as_table(split(load_telco(DATA))[1], MANIFEST.features, TARGET)
    return churn_model().predict(unseen.features), unseen.outcome == POSITIVE


def batch(number: int, scores: np.ndarray) -> Metrics:
    """The metrics record of a batch of scores."""
    counts = np.bincount(np.searchsorted(EDGES, scores, side="left"), minlength=len(EDGES) + 1)
    return metrics(number, [group(scored=len(scores), features={}, score=Histogram(counts.tolist()))])


def test_a_window_is_estimated_from_the_histogram_and_the_truth_lies_in_the_band() -> None:
    scores, positive = scored()
    series, told = Series(), []
    for record in [the_reference(), the_calibration(the_reference().model_sha256), batch(0, scores[:1000]), batch(1, scores[1000:2000])]:
        told += take(series, KEY, record, LIMITS)
    estimate = next(record for record in told if isinstance(record, Estimate))
    assert len([record for record in told if isinstance(record, Drift)]) == 1
    assert (estimate.events, estimate.source) == (2000, "histogram")
    truth = measure(scores[:2000], positive[:2000], threshold=0.5)
    outside = [name for name, figure in estimate.figures.items() if not figure.low <= truth[name] <= figure.high]
    assert len(outside) <= 1, outside  # nine bands of 95 %, which hang together
    exact = estimate_rows(MANIFEST, scores[:2000])
    assert all(abs(exact[name][0].value - figure.value) < 0.01 for name, figure in estimate.figures.items())


def test_the_same_records_give_the_same_bytes_through_the_state() -> None:
    scores, _ = scored()
    records = [the_reference(), the_calibration(the_reference().model_sha256), batch(0, scores[:1000]), batch(1, scores[1000:])]
    once, again = ([out for series in [Series()] for record in records for out in take(series, KEY, record, LIMITS)] for _ in range(2))
    assert msgspec.json.encode(once) == msgspec.json.encode(again)


@pytest.mark.parametrize("sha256", ["f" * 64], ids=["another model file"])
def test_a_calibration_of_another_file_estimates_nothing(sha256: str) -> None:
    scores, _ = scored()
    series = Series()
    records = [the_reference(), the_calibration(sha256), batch(0, scores[:1000]), batch(1, scores[1000:])]
    told = [out for record in records for out in take(series, KEY, record, LIMITS)]
    assert [type(record) for record in told if not isinstance(record, Drift)] == []


def test_a_calibration_tells_its_series_and_an_estimate_none() -> None:
    calibration = the_calibration("0" * 64)
    assert by_series(calibration) == {KEY: calibration}
    assert by_series(Estimate("e", "", *KEY, "", "", 1, "confidence", "scores", "", 0.95, 1, {})) == {}


def test_unsound_cells_are_told() -> None:
    sound = the_calibration("0" * 64)
    assert fault(sound) is None
    for name, value in (("rows", sound.cells.rows[1:]), ("edges", sound.cells.edges[::-1]), ("positives", [0] * len(sound.cells.rows))):
        cells = msgspec.structs.replace(sound.cells, **{name: value})
        assert fault(msgspec.structs.replace(sound, cells=cells)) is not None, name
