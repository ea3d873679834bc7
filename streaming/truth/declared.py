"""What a deployment declares of its truth: the table [truth] of its file."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field, model_validator

from streaming.settings import Section
from streaming.truth.duration import Duration

Task = Literal["binary", "regression", "multiclass"]
_SHORTEST = timedelta(seconds=1)


class Cost(Section):
    """Worth of a decision by what came of it, in a currency of your choice; a loss is negative."""

    true_positive: float = 0.0
    false_positive: float = 0.0
    false_negative: float = 0.0
    true_negative: float = 0.0


class Fairness(Section):
    """Groups that are to be served alike, and how far apart they may lie before it is an alert."""

    columns: tuple[str, ...] = Field(default=(), description="fields of the event whose values are the groups")
    max_difference: float = Field(default=0.2, gt=0, le=1, description="most that two groups' rates may differ by")
    min_ratio: float = Field(default=0.0, ge=0, le=1, description="least ratio of selection rates (0.8: four fifths); 0: not looked at")
    min_rows: int = Field(default=30, ge=2, description="a group with fewer rows is shown and not judged")


class Truth(Section):
    """How labels find predictions, and what figures are made of both."""

    task: Task = Field(default="binary", description="what is predicted")
    positive: str = Field(default="Yes", description="class that counts as 1 where a label is a text (binary)")
    horizon: Duration = Field(
        default=timedelta(days=30), gt=timedelta(0), description="a label is for the time this long after a prediction"
    )
    delay: Duration = Field(default=timedelta(0), ge=timedelta(0), description="how long after the horizon its label may take to come")
    grace: Duration = Field(default=timedelta(days=7), ge=timedelta(0), description="how long a label waits for its prediction")
    window: Duration = Field(default=timedelta(days=1), ge=_SHORTEST, description="length of a window of event time, from 1970 on")
    threshold: float = Field(default=0.5, ge=0, le=1, description="a score of so much or more is a decision for 1 (binary)")
    top: tuple[float, ...] = Field(default=(0.1,), description="shares of the highest scores that are looked at")
    slices: tuple[str, ...] = Field(default=(), description="fields of the event; figures are made for each of their values too")
    slice_values: int = Field(default=20, ge=1, description="most values of a field that get figures; the largest do")
    held_out: tuple[str, ...] = Field(default=("hold-out",), description="variants whose customers nobody acts upon")
    cost: Cost | None = Field(default=None, description="worth of decisions; without it no business value")
    fairness: Fairness = Fairness()

    @model_validator(mode="after")
    def _shares(self) -> Truth:
        if wrong := [share for share in self.top if not 0 < share <= 1]:
            raise ValueError(f"truth.top: {wrong[0]} is not a share; expected above 0 and at most 1")
        return self
