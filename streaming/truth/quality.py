"""The records `quality` of a window: figures by model version, variant, population and slice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import pandas as pd

from streaming.metrics.quality_record import FairnessGroup, Quality, QualityGroup
from streaming.records import rfc3339
from streaming.truth.by_task import figures_of
from streaming.truth.declared import Truth
from streaming.truth.fairness import fairness_of, text_of
from streaming.truth.rows import labelled, labelled_rows, served, values_of
from streaming.truth.windows import Window

ALL = "*"
Population = Literal["all", "held_out", "not_acted"]


def quality_records(
    deployment: str, window: Window, frame: pd.DataFrame, truth: Truth, *, revision: int, now: datetime, fields: pd.DataFrame | None = None
) -> list[Quality]:
    """The record of a whole window, and one for each slice.

    frame: rows of `window_rows`. fields: the events' fields to slice by and to compare groups by, indexed by prediction id;
    a prediction that is not in it is in no slice. now: aware, what maturity is told by.
    """
    joined = frame if fields is None else frame.join(fields, on="prediction_id")
    made = [_record(deployment, window, "", joined, truth, revision, now)]
    for name in truth.slices:
        if name in joined.columns:
            texts = joined[name].map(text_of, na_action="ignore")
            pieces = {f"{name}={value}": joined[texts == value] for value in values_of(texts, truth.slice_values)}
            made += [_record(deployment, window, piece, rows, truth, revision, now) for piece, rows in pieces.items()]
    return made


def record_id(deployment: str, window: Window, piece: str, revision: int) -> str:
    """Id of a record: the same figures again have the same id."""
    return f"{deployment}/{rfc3339(window.start)}/{rfc3339(window.end)}/{piece or ALL}/{revision}"


def _record(deployment: str, window: Window, piece: str, frame: pd.DataFrame, truth: Truth, revision: int, now: datetime) -> Quality:
    groups = [_group(*key, part, truth, now) for key, part in _groups(frame, truth)]
    fairness: list[FairnessGroup] = [] if piece else fairness_of(served(frame), truth)
    return Quality(
        id=record_id(deployment, window, piece, revision),
        at=rfc3339(now),
        deployment=deployment,
        window_start=rfc3339(window.start),
        window_end=rfc3339(window.end),
        slice=piece,
        revision=revision,
        task=truth.task,
        threshold=truth.threshold,
        groups=groups,
        fairness=fairness,
    )


def _groups(frame: pd.DataFrame, truth: Truth) -> Iterator[tuple[tuple[str, str, str, str, Population], pd.DataFrame]]:
    """Each model version as it was served, with its unbiased share beside it; then its variants and shadows by themselves."""
    for (model, version), rows in served(frame).groupby(["model", "model_version"], sort=True):
        roles = rows["role"].unique()
        role = str(roles[0]) if len(roles) == 1 else ALL
        yield (str(model), str(version), ALL, role, "all"), rows
        held_out, not_acted = rows[rows["variant"].isin(truth.held_out)], rows[rows["acted"].eq(False)]
        if len(held_out):
            yield (str(model), str(version), ALL, role, "held_out"), held_out
        if len(not_acted):
            yield (str(model), str(version), ALL, role, "not_acted"), not_acted
    variants = set(served(frame)["variant"])
    for key, rows in frame.groupby(["model", "model_version", "variant", "role"], sort=True):
        model, version, variant, role = map(str, key)
        if role == "shadow" or len(variants) > 1:
            yield (model, version, variant, role, "all"), rows


def _group(
    model: str, version: str, variant: str, role: str, population: Population, rows: pd.DataFrame, truth: Truth, now: datetime
) -> QualityGroup:
    with_label = labelled(rows, truth)
    expected = (rows["event_time"] + truth.horizon + truth.delay <= now).to_numpy(dtype=bool)
    found = figures_of(labelled_rows(rows, truth), truth)
    return QualityGroup(
        model=model,
        model_version=version,
        variant=variant,
        role=role,
        population=population,
        predictions=len(rows),
        labels=int(with_label.sum()),
        partial=int(rows["partial"].sum()),
        contradicted=int(rows["contradicted"].sum()),
        coverage=float(with_label.mean()),
        maturity=float(with_label[expected].mean()) if expected.any() else None,
        figures=found.figures,
        absent=found.absent,
        calibration=found.calibration,
        confusion=found.confusion,
    )
