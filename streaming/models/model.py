"""What every model looks like to the scoring path, whatever its format, and the checks before one may serve."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streaming.errors import ModelError
from streaming.models.artifact import Feature, Manifest
from streaming.records import event_column

Scores = npt.NDArray[np.float64]


class Model(Protocol):
    """A loaded model. Implementations are in `streaming.models.formats`."""

    @property
    def manifest(self) -> Manifest:
        """What the model reads and gives."""
        ...

    @property
    def features(self) -> list[str]:
        """Names of the inputs, in order."""
        ...

    def predict(self, features: pa.RecordBatch) -> Scores:
        """Probability of the positive class for each row, float64, shape (rows,).

        features: one column for each of `self.features`, in that order, of any type that casts to the feature's kind.
        A row's score does not depend on the rows beside it.
        """
        ...


def arrow_type(feature: Feature) -> pa.DataType:
    """The type that a feature has in Arrow: float64 or string."""
    return pa.float64() if feature.kind == "numeric" else pa.string()


def verify(model: Model) -> None:
    """Score the manifest's reference rows and compare bit for bit.

    Raises ModelError if a score differs: the libraries here are not those that the model was trained with.
    """
    manifest = model.manifest
    found = model.predict(reference_batch(manifest))
    expected = np.array([row.score for row in manifest.reference_rows])
    if not np.array_equal(found, expected):
        row = int(np.flatnonzero(found != expected)[0])
        raise ModelError(
            f"model {manifest.name}: reference row {row} scores {float(found[row])!r} here and {float(expected[row])!r} at training "
            f"(trained with {_listed(manifest.libraries)}); install these versions or train again"
        )


def reference_batch(manifest: Manifest) -> pa.RecordBatch:
    """The feature values of the manifest's reference rows, as Arrow."""
    columns = list(zip(*(row.values for row in manifest.reference_rows), strict=True))
    arrays = [pa.array(column, arrow_type(feature)) for feature, column in zip(manifest.features, columns, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, names=manifest.feature_names)


def fits(manifest: Manifest, events: pa.Schema) -> None:
    """Check that a contract's columns (named `event.<field>`) hold every feature, each of a fitting kind.

    Raises ModelError that names the features which do not fit.
    """
    complaints = [complaint for feature in manifest.features if (complaint := _misfit(feature, events))]
    if complaints:
        raise ModelError(
            f"model {manifest.name} does not fit the schema of {manifest.event}: {'; '.join(complaints)}; "
            "register a model trained on this schema or mend the schema"
        )


def _misfit(feature: Feature, events: pa.Schema) -> str:
    place = events.get_field_index(event_column(feature.name))
    if place < 0:
        return f"feature {feature.name} is not a field"
    found = events.field(place).type
    numeric = pa.types.is_integer(found) or pa.types.is_floating(found) or pa.types.is_boolean(found) or pa.types.is_decimal(found)
    textual = pa.types.is_string(found) or pa.types.is_large_string(found)
    if not (numeric if feature.kind == "numeric" else textual):
        return f"feature {feature.name} is {feature.kind} and the field is {found}"
    return ""


def _listed(libraries: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(libraries.items()))
