"""The service's own records, as they are encoded, are valid by the schemas that we publish for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import numpy as np
import pytest

from streaming.contracts.reasons import RULES
from streaming.metrics import kll
from streaming.metrics.estimate_records import Calibration, Estimate, Figure
from streaming.metrics.estimate_records import Measured as MeasuredFigure
from streaming.metrics.labelled_cells import LabelledCells
from streaming.metrics.records import (
    Acknowledgement,
    Alert,
    Drift,
    FeatureDrift,
    Gap,
    Group,
    Measured,
    Metrics,
    Record,
    Reference,
    Silence,
    SliceCounts,
    Tracked,
    encode,
)
from streaming.metrics.sketches import Bins, Histogram
from streaming.records import PREDICTION
from streaming.sinks.acknowledged import TIME_HEADER
from streaming.sinks.rejected import OWN_COUNT
from streaming.steps.replayed import MAPPING

AT = "2026-01-02T03:04:05.000000Z"
COUNTS = Histogram([1, 2])
MODEL: dict[str, Any] = {"deployment": "churn_risk", "model": "churn", "model_version": "1"}
WINDOW: dict[str, Any] = {"window_start": AT, "window_end": AT}
MEASURED = Measured(0.3, 0.2, 0.001, 0.0, True)
DRIFT = FeatureDrift("psi", 0.3, 0.2, True, None, COUNTS, {"training": {"psi": MEASURED}}, AT, 0.5, 1.5)
QUANTILES = {"tenure": kll.sketch(np.array([1.0, 2.0]))}
SLICES = {"plan=a": SliceCounts(3, {"tenure": COUNTS}, COUNTS)}
GROUP = Group(
    "champion", "champion", "churn", "1", "0" * 64, 1, 3, {"tenure": COUNTS}, COUNTS, 1.0, 1.0, QUANTILES, QUANTILES["tenure"], SLICES
)
RECORDS: list[Record] = [
    Reference("r", AT, **MODEL, model_sha256="0" * 64, bins={"tenure": Bins("numeric", [1.0])}, counts={"tenure": COUNTS},
              score_bins=Bins("numeric", [0.5]), score_counts=COUNTS, trained_at=AT, quantiles=QUANTILES, slices=SLICES,
              importance={"tenure": 1.0}, owners={"tenure": "crm"}),
    Metrics("m", AT, AT, "churn_risk", "customer_activity", "q", 0, 0, 1, "q/0",
            {"t": {"0": [0, 3]}}, 3, 3, 0, 0, {}, [GROUP], {"0": 3}, {"job": 1.5}, 2.0, 3.0),
    Drift("d", AT, **MODEL, **WINDOW, events=3, features={"tenure": DRIFT}, score=DRIFT),
    Alert("a", AT, "raised", "input_drift", **MODEL, feature="tenure", measure="psi", value=0.3, threshold=0.2, since=AT,
          **WINDOW, events=3, message="m"),
    Alert("b", AT, "raised", "new_reason", "churn_risk", "", "", feature="enum", measure="share", value=0.3, threshold=0.0, since=AT,
          **WINDOW, events=3, message="m", severity="critical", first_seen=AT, changed_at=AT, evidence={"psi": 0.3}),
    Silence("s", AT, AT, "churn_risk", "tenure", "", "", "me", "known"),
    Acknowledgement("k", AT, "churn_risk", "a", "me", "on it"),
    Calibration("c", AT, **MODEL, model_sha256="0" * 64, cells=LabelledCells([0.5], [3, 2], [1, 2], *([[0.5, 1.5]] * 4))),
    Estimate("e", AT, **MODEL, **WINDOW, events=3, method="confidence", source="histogram", assumption="a", level=0.95,
             reference_rows=5, figures={"auroc": Figure(0.8, 0.7, 0.9)}, labelled=2, measured={"auroc": MeasuredFigure(0.7, 0.1, True)}),
    Gap("g", AT, "churn_risk", "q", 3, "t", "deleted", {"0": [4, 9]}, {"0": 9}, 5),
    Gap("h", AT, "churn_risk", "q", 3, "t", "recreated", {"0": [4, None], "1": [2, None]}, {"0": 0}, None),
    Tracked("t", AT, "delayed", "churn_risk", {"truth": True, "parts": [1, {"a": None}]}, prediction_id="p"),
    Tracked("u", AT, "aggregate", "churn_risk", {"accuracy": 0.9}, "churn", "1", start=AT, end=AT),
]  # fmt: skip


def _validator(name: str, version: int) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(json.loads(Path(f"schemas/{name}/v{version}.json").read_text()), validate_formats=True)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_encoded_record_is_valid_and_described_whole(record: Record) -> None:
    fields: dict[str, Any] = json.loads(encode(record))
    name, version = fields["record"], fields["version"]
    assert [error.message for error in _validator(name, version).iter_errors(fields)] == []
    document = json.loads(Path(f"schemas/{name}/v{version}.json").read_text())
    assert set(document["properties"]) == set(fields) == {"record", *(field.encode_name for field in msgspec.structs.fields(record))}
    assert not _validator(name, version).is_valid(fields | {"version": version + 1})
    assert not _validator(name, version).is_valid(fields | {"at": "yesterday"})


def test_prediction_schema_has_every_column() -> None:
    document = json.loads(Path("schemas/prediction/v1.json").read_text())
    assert set(document["properties"]) - {"record", "version"} == set(PREDICTION.names)


def test_rejection_schema_knows_every_rule() -> None:
    first, second = (json.loads(Path(f"schemas/rejection/v{version}.json").read_text()) for version in (1, 2))
    rules = [set(document["properties"]["scoring.reason"].pop("enum")) for document in (first, second)]
    assert rules[1] == RULES
    assert rules[0] < rules[1]
    added = {TIME_HEADER, OWN_COUNT, MAPPING, "scoring.value"}
    assert first["properties"] | {name: second["properties"][name] for name in added} == second["properties"]
