"""What a deployment may declare of its truth."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from streaming.errors import ConfigError
from streaming.models.deployment import load_deployment

HEAD = 'name = "churn_risk"\nevent = "customer_activity"\nschema_version = 1\n[champion]\nmodel = "churn"\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "d.toml"
    path.write_text(HEAD + text)
    return path


def test_a_deployment_declares_its_truth(tmp_path: Path) -> None:
    text = '[truth]\nhorizon = "14 d"\nwindow = "6h"\nslices = ["contract"]\n'
    text += '[truth.cost]\ntrue_positive = 80\n[truth.fairness]\ncolumns = ["female"]\n'
    truth = load_deployment(written(tmp_path, text)).truth
    assert (truth.horizon, truth.window, truth.grace) == (timedelta(days=14), timedelta(hours=6), timedelta(days=7))
    assert (truth.slices, truth.cost and truth.cost.true_positive, truth.fairness.columns) == (("contract",), 80.0, ("female",))


def test_a_deployment_that_says_nothing_has_defaults(tmp_path: Path) -> None:
    truth = load_deployment(written(tmp_path, "")).truth
    assert (truth.task, truth.horizon, truth.cost) == ("binary", timedelta(days=30), None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('horizon = "a month"', "'a month' is not a span of time"),
        ('horizon = "0 d"', "truth.horizon"),
        ("top = [0.1, 2]", "2.0 is not a share"),
        ('window = "0.1 s"', "truth.window"),
        ("treshold = 0.3", "did you mean threshold"),
    ],
)
def test_what_cannot_be_declared_is_told(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_deployment(written(tmp_path, f"[truth]\n{text}\n"))
