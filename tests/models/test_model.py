"""The checks before a model may serve."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from churn_model import churn_artifact, churn_model, event_batch

from streaming.contracts.schema import load_contract
from streaming.errors import ModelError
from streaming.models.artifact import Artifact, Manifest, decode_manifest, encode_manifest
from streaming.models.formats.skops import SkopsModel
from streaming.models.model import fits, verify

SCHEMAS = Path(__file__).parents[2] / "schemas"


def with_manifest(manifest: Manifest) -> SkopsModel:
    return SkopsModel(churn_model()._pipeline, Artifact(churn_artifact().model_bytes, encode_manifest(manifest)))


def test_a_faithful_model_passes() -> None:
    verify(churn_model())


def test_a_score_that_differs_in_the_last_bit_is_refused() -> None:
    manifest = churn_model().manifest
    first = manifest.reference_rows[0]
    altered = msgspec.structs.replace(first, score=math.nextafter(first.score, 1))
    model = with_manifest(msgspec.structs.replace(manifest, reference_rows=[altered, *manifest.reference_rows[1:]]))

    with pytest.raises(ModelError, match=r"reference row 0 scores 0\.\d+ here and 0\.\d+ at training \(trained with python"):
        verify(model)


def test_the_contract_of_the_events_fits() -> None:
    fits(churn_model().manifest, event_batch(1).schema)


def test_a_missing_field_and_one_of_another_kind_are_named_in_one_line() -> None:
    schema = event_batch(1).schema
    schema = schema.remove(schema.get_field_index("event.tenure"))
    schema = schema.set(schema.get_field_index("event.contract"), pa.field("event.contract", pa.int64()))

    with pytest.raises(ModelError) as raised:
        fits(churn_model().manifest, schema)
    assert "feature tenure is not a field; feature contract is categorical and the field is int64" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_manifest_survives_its_bytes_to_the_last_bit() -> None:
    manifest = churn_artifact().manifest

    assert decode_manifest(encode_manifest(manifest)) == manifest


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"name": 1}'])
def test_a_manifest_that_cannot_be_read_is_told(content: bytes) -> None:
    with pytest.raises(ModelError, match="manifest.json cannot be read"):
        decode_manifest(content)


def test_a_manifest_of_another_version_is_told() -> None:
    content = encode_manifest(msgspec.structs.replace(churn_artifact().manifest, version=2))

    with pytest.raises(ModelError, match="manifest has version 2; this release reads version 1"):
        decode_manifest(content)


def test_the_published_schema_of_the_event_fits() -> None:
    contract = load_contract(SCHEMAS / "customer_activity" / "v1.json")

    fits(churn_model().manifest, contract.arrow_schema)
