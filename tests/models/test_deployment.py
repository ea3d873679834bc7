"""Deployment files: what serves one decision, checked whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from streaming.errors import ConfigError
from streaming.models.deployment import Deployment, Served, load_deployment

SHIPPED = Path(__file__).parents[2] / "conf" / "deployments" / "churn_risk.toml"
GOOD = """
name = "churn_risk"
event = "customer_activity"
schema_version = 1
[champion]
model = "churn"
"""


def load(folder: Path, text: str) -> Deployment:
    (folder / "d.toml").write_text(text)
    return load_deployment(folder / "d.toml")


def test_the_alias_is_champion_unless_told(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD).champion == Served(model="churn", alias="champion")
    assert load(tmp_path, GOOD + 'alias = "live"\n').champion.alias == "live"


def test_the_shipped_file_loads() -> None:
    assert load_deployment(SHIPPED).champion.model == "churn"


@pytest.mark.parametrize(
    ("good", "bad", "told"),
    [
        ('model = "churn"', "", "champion.model is required and missing"),
        ("[champion]", "[champions]", "champions is not a setting; did you mean champion?"),
        ('model = "churn"', 'model = "churn"\nallias = "x"', "champion.allias is not a setting; did you mean alias?"),
        ('"churn_risk"', '"Churn Risk"', "name: String should match pattern"),
        ('"churn_risk"', '"1st"', "name: String should match pattern"),
        ("schema_version = 1", "schema_version = 0", "schema_version: Input should be greater than or equal to 1, found '0'"),
        ("schema_version = 1", "schema_version = 'one'", "schema_version: Input should be a valid integer"),
        ("[champion]", "[champion", "not TOML"),
    ],
)
def test_what_is_wrong_is_told_in_one_line_that_names_the_file(tmp_path: Path, good: str, bad: str, told: str) -> None:
    assert good in GOOD
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, GOOD.replace(good, bad))
    assert told in str(raised.value)
    assert str(tmp_path / "d.toml") in str(raised.value)
    assert "\n" not in str(raised.value)


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, GOOD.replace("schema_version = 1", "").replace('"churn_risk"', '"X"'))
    assert "schema_version is required" in str(raised.value) and "name: " in str(raised.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_deployment(tmp_path / "absent.toml")
