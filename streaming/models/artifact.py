"""What a registered model consists of: the model file's bytes, and a manifest that says what the file cannot.

The manifest is `manifest.json` next to the model file. It names the features in order, the classes, the schema that the
model reads, the frozen reference distributions, and rows with the scores that a faithful copy gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Literal

import msgspec

from streaming.errors import ModelError
from streaming.metrics.labelled_cells import LabelledCells
from streaming.metrics.records import SliceCounts
from streaming.metrics.sketches import Bins, Histogram

MANIFEST_VERSION = 1

Value = float | str | None


class Feature(msgspec.Struct, frozen=True):
    """One input. numeric: float64, missing as null or NaN; categorical: text, missing as null."""

    name: str
    kind: Literal["numeric", "categorical"]


class Distribution(msgspec.Struct, frozen=True):
    """Frozen bins of a feature or of the score, and the counts in them at training."""

    bins: Bins
    counts: Histogram
    quantiles: bytes = b""
    """KLL sketch of the numbers; none of categories, of at most ten different numbers, nor in manifests of releases before sketches"""


class ReferenceRow(msgspec.Struct, frozen=True):
    """A row of feature values in the order of the features, and its score to the last bit."""

    values: list[Value]
    score: float


class Manifest(msgspec.Struct, frozen=True):
    """Everything about a model that serving needs beside its bytes."""

    name: str
    format: str
    features: list[Feature]
    classes: list[str]
    positive_class: str
    event: str
    schema_version: int
    sha256: str
    """of the model file's bytes, hex"""
    distributions: dict[str, Distribution]
    """by feature, over the training rows; without those whose drift is not to be judged"""
    score: Distribution
    """of cross-validated scores of the training rows: in-sample scores are too sure of themselves to compare with"""
    reference_rows: list[ReferenceRow]
    metrics: dict[str, float]
    """on held-out rows"""
    libraries: dict[str, str]
    trained_at: str
    """RFC 3339, UTC"""
    training_rows: int
    importance: dict[str, float] = {}
    """by feature: by how much the AUROC of held-out rows falls when its values are shuffled, as a share of all that; all above 0"""
    slices: dict[str, dict[str, SliceCounts]] = {}
    """by column and "column=value": the training rows of each value of the columns whose slices are watched"""
    version: int = MANIFEST_VERSION
    calibration: LabelledCells | None = None
    """cross-validated scores of the training rows with their outcomes, by cell; None in manifests before it was kept"""

    @property
    def feature_names(self) -> list[str]:
        """Names of the features, in the model's order."""
        return [feature.name for feature in self.features]


@dataclass(frozen=True)
class Artifact:
    """A model as bytes: what travels from the registry to the workers. Hashable, so that loading can be remembered."""

    model_bytes: bytes
    manifest_bytes: bytes

    @cached_property
    def manifest(self) -> Manifest:
        """The manifest, decoded. Raises ModelError if this release cannot read it."""
        return decode_manifest(self.manifest_bytes)

    def check(self, expected_sha256: str) -> None:
        """Raise ModelError unless the model file's bytes have the checksum that the caller trusts and the manifest names."""
        found = checksum(self.model_bytes)
        if not found == expected_sha256 == self.manifest.sha256:
            raise ModelError(
                f"model {self.manifest.name}: the file has sha256 {found[:12]}…, the registry names {expected_sha256[:12]}…, "
                f"the manifest {self.manifest.sha256[:12]}…; the file was changed: register the model again"
            )


def checksum(content: bytes) -> str:
    """sha256 of bytes, hex.

    >>> checksum(b"")[:12]
    'e3b0c44298fc'
    """
    return sha256(content).hexdigest()


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest as JSON bytes; floats keep every bit."""
    return msgspec.json.encode(manifest)


def decode_manifest(content: bytes) -> Manifest:
    """A manifest from its JSON bytes. Raises ModelError if it is not one that this release reads."""
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ModelError(f"the model's manifest.json cannot be read: {error}; register the model again with this release") from None
    if manifest.version != MANIFEST_VERSION:
        raise ModelError(f"the model's manifest has version {manifest.version}; this release reads version {MANIFEST_VERSION}")
    return manifest
