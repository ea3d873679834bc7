"""Joint drift on the real churn table: columns that no longer belong together are found, another sample of the same is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from churn_model import DATA
from sklearn.decomposition import PCA

from streaming.drift.domain_classifier import auroc_verdict, domain_classifier, separation
from streaming.drift.encoding import encode, fit_encoding
from streaming.drift.reconstruction import fit_reconstruction, reconstruction_drift
from streaming.local.telco import TARGET, load_telco


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    table = load_telco(DATA).drop(columns=TARGET).reset_index(drop=True)
    return table.iloc[np.random.default_rng(1).permutation(len(table))]


def unjoined(frame: pd.DataFrame) -> pd.DataFrame:
    """Monthly charges of another customer: no column's distribution changes."""
    return frame.assign(monthly_charges=np.random.default_rng(2).permutation(frame["monthly_charges"].to_numpy()))


def test_another_sample_of_the_same_customers_is_no_drift(customers: pd.DataFrame) -> None:
    reference, window = customers[:3000], customers[3000:3600]
    assert not reconstruction_drift(fit_reconstruction(reference), window).drifted
    assert not domain_classifier(reference[:1000], window).drifted


def test_columns_that_no_longer_belong_together_are_found_by_both(customers: pd.DataFrame) -> None:
    reference, window = customers[:3000], unjoined(customers[3000:3600])
    assert reconstruction_drift(fit_reconstruction(reference), window).drifted
    found = separation(reference[:1000], window)
    assert found.verdict.drifted
    assert "monthly_charges" in list(found.importance)[:2]


@pytest.mark.slow
def test_false_alarms_keep_to_the_level(customers: pd.DataFrame) -> None:
    rng = np.random.default_rng(3)
    alarms = []
    for _ in range(25):
        order = rng.permutation(len(customers))
        fitted = fit_reconstruction(customers.iloc[order[:2000]])
        parts = [customers.iloc[order[start : start + 400]] for start in range(2000, 6800, 400)]
        alarms += [reconstruction_drift(fitted, part, alpha=0.05).drifted for part in parts]
    assert np.mean(alarms) < 0.09  # of 300 windows; 5 % configured, windows of one reference hang together


def test_errors_are_those_of_scikit_learns_components(customers: pd.DataFrame) -> None:
    fitted = fit_reconstruction(customers[:2000])
    order = np.random.default_rng(0).permutation(2000)
    rows = encode(fitted.encoding, customers[:2000].iloc[order[:1000]])
    pca = PCA(n_components=len(fitted.components)).fit(rows)
    given = encode(fitted.encoding, customers[3000:3200])
    expected = np.linalg.norm(given - pca.inverse_transform(pca.transform(given)), axis=1).mean()
    assert reconstruction_drift(fitted, customers[3000:3200]).value == pytest.approx(expected, rel=1e-6)


def test_constant_missing_and_unknown_values_are_encoded() -> None:
    frame = pd.DataFrame({"same": [1.0, 1.0, 1.0], "gap": [1.0, np.nan, 3.0], "text": ["a", "a", None]})
    encoding = fit_encoding(frame)
    found = encode(encoding, pd.DataFrame({"same": [2.0], "gap": [np.nan], "text": ["z"]}))
    assert np.isfinite(found).all()
    assert found[0, 1] == 0  # the median of 1 and 3, which is the mean of all three as filled
    assert found[0, 0] == 1


def test_an_auroc_of_chance_is_no_drift_and_more_rows_make_a_smaller_one_enough() -> None:
    assert not auroc_verdict(0.5, 500, 500, 0.05).drifted
    assert auroc_verdict(0.5, 500, 500, 0.05).p_value == pytest.approx(0.5)
    assert not auroc_verdict(0.53, 300, 300, 0.05).drifted
    assert auroc_verdict(0.53, 20_000, 20_000, 0.05).drifted
