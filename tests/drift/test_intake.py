"""Strange records on the metrics topic: each is refused in one warning that says where and why; what comes after it counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from drift_records import BINS, KEY, OTHER, SAME, batch, group, metrics, reference
from structlog.testing import capture_logs

from streaming.drift.detect import Limits, take
from streaming.drift.intake import admit, mended
from streaming.drift.series import Series
from streaming.drift.series import decode as decode_series
from streaming.drift.series import encode as encode_series
from streaming.metrics.records import Alert, Drift, Metrics, Reference, SliceCounts, decode, encode
from streaming.metrics.sketches import Histogram
from streaming.service.drift_pipeline import tell

LIMITS = Limits(window_s=2, window_events=250, psi_threshold=0.2)
SLICE_OF_NOBODY = SliceCounts(0, {"plan": Histogram([1, 0])}, Histogram([1, 0]))


def odd(**changes: Any) -> Metrics:
    """A metrics record with some fields changed; of a query of its own, for it is no repeat."""
    return batch(1, query="odd", **changes)


def of_group(**changes: Any) -> bytes:
    """A metrics record whose group is changed."""
    return encode(metrics(1, [group(**changes)], query="odd"))


def text(value: bytes, old: bytes, new: bytes) -> bytes:
    """A record with a piece of its text changed."""
    assert old in value
    return value.replace(old, new)


STRANGE: dict[str, tuple[bytes, str]] = {
    "a threshold below 0": (encode(reference(thresholds={"plan": -0.1})), "thresholds.plan is -0.1"),
    "now is no time": (encode(odd(now="yesterday")), "now is 'yesterday'"),
    "now is empty": (encode(odd(now="")), "now is ''"),
    "now without zone": (encode(odd(now="2026-01-01T00:00:01.000000")), "now is '2026"),
    "now in another zone": (encode(odd(now="2026-01-01T02:00:01.000000+02:00")), "RFC 3339 in UTC"),
    "now without microseconds": (encode(odd(now="2026-01-01T00:00:01Z")), "with microseconds"),
    "now of the 31st of February": (encode(odd(now="2026-02-31T00:00:01.000000Z")), "now is '2026-02-31"),
    "now in other digits": (encode(odd(now="２０２６-01-01T00:00:01.000000Z")), "now is"),
    "at is no time": (encode(odd(at="later")), "at is 'later'"),
    "now is a megabyte": (encode(odd(now="9" * 1_000_000)), "now is '999"),
    "now is a number": (text(encode(odd()), b'"now":"2026-01-01T00:00:01.000000Z"', b'"now":3'), "$.now"),
    "batch number below 0": (encode(odd(batch_id=-1)), "batch -1"),
    "batch number past all": (encode(odd(batch_id=2**70)), "batch 1180591620717411303424"),
    "chunk past the last": (encode(odd(chunks=0)), "chunk 0 of 0"),
    "events below 0": (encode(odd(events=-1)), "events counts -1"),
    "rejections past a float": (encode(odd(rejected_by_reason={"json": 10**400})), "rejected_by_reason counts 1000"),
    "replayed below 0": (encode(odd(replayed={"scored": -1})), "replayed counts -1"),
    "scored below 0": (of_group(scored=-1), "scored is -1"),
    "scored past all": (of_group(scored=2**54), "scored is 18014398509481984"),
    "negative count": (of_group(features={"plan": Histogram([-1, 101])}), "features.plan counts from -1"),
    "negative counts that add up to nothing": (of_group(score=Histogram([-50, 50])), "score counts from -50"),
    "negative missing": (of_group(features={"plan": Histogram([50, 50], missing=-3)}), "features.plan counts from -3"),
    "negative unseen": (of_group(features={"plan": Histogram([50, 50], unseen=-3)}), "features.plan counts from -3"),
    "count past a float": (of_group(features={"plan": Histogram([10**400, 1])}), "expected 0 to 2^53"),
    "zeros": (of_group(features={"plan": Histogram([0, 0])}), "features.plan is empty"),
    "no bins": (of_group(score=Histogram([])), "score is empty"),
    "count is NaN": (text(of_group(), b'"counts":[50,', b'"counts":[NaN,'), "malformed"),
    "count is 1e400": (text(of_group(), b'"counts":[50,', b'"counts":[1e400,'), "out of range"),
    "count is 50.5": (text(of_group(), b'"counts":[50,', b'"counts":[50.5,'), "Expected `int`"),
    "count is true": (text(of_group(), b'"counts":[50,', b'"counts":[true,'), "Expected `int`"),
    "count is null": (text(of_group(), b'"counts":[50,', b'"counts":[null,'), "Expected `int`"),
    "score's sum is infinite": (text(of_group(), b'"score_sum":0.0', b'"score_sum":Infinity'), "malformed"),
    "reference of negative counts": (encode(reference(counts={"plan": Histogram([-1, 5])})), "counts.plan counts from -1"),
    "reference of zeros": (encode(reference(counts={"plan": Histogram([0, 0])})), "counts.plan is empty"),
    "reference's score is empty": (encode(reference(score_counts=Histogram([0, 0]))), "score_counts is empty"),
    "reference of three counts for two bins": (
        encode(reference(counts={"plan": Histogram([1, 2, 3])})),
        "3 counts; expected one for each of 2",
    ),
    "reference's score of one count": (encode(reference(score_counts=Histogram([1]))), "score_counts has 1 counts"),
    "reference without counts": (encode(reference(counts={})), "only one of bins and counts has 'plan'"),
    "reference without bins": (encode(reference(bins={})), "only one of bins and counts has 'plan'"),
    "reference without a field": (text(encode(reference()), b'"score_bins"', b'"score_bans"'), "score_bins"),
    "a sketch that is none": (of_group(quantiles={"plan": b"x"}), "quantiles.plan is no KLL sketch"),
    "a score's sketch that is none": (of_group(score_quantiles=b"x"), "score_quantiles is no KLL sketch"),
    "a sketch that is no base64": (text(of_group(), b'"score_quantiles":""', b'"score_quantiles":"-"'), "base64"),
    "a slice of nobody": (of_group(slices={"plan=a": SLICE_OF_NOBODY}), "slices.plan=a.scored is 0"),
    "a slice of negative counts": (
        of_group(slices={"plan=a": SliceCounts(1, {"plan": Histogram([-1, 2])}, Histogram([1, 0]))}),
        "features.plan counts from -1",
    ),
    "reference's sketch is none": (encode(reference(quantiles={"plan": b"x"})), "quantiles.plan is no KLL sketch"),
    "reference's importance is none": (encode(reference(importance={"plan": 2.0})), "importance.plan is 2"),
    "half a record": (encode(odd())[:-9], "truncated"),
    "nothing": (b"", "truncated"),
    "no JSON": (b"\xff\xfe", "malformed"),
    "a list": (b"[]", "Expected `object`"),
    "no kind": (b'{"version": 1}', "`record`"),
    "nested 5,000 deep": (text(of_group(), b'"offsets":{}', b'"offsets":' + b"[" * 5000 + b"]" * 5000), "recursion"),
}
strange = pytest.mark.parametrize(("value", "reason"), STRANGE.values(), ids=STRANGE)


def run(values: list[bytes | None]) -> tuple[list[bytes], list[Any]]:
    """What the job's functions publish of these messages (partition 3, offsets from 0), through its encodings; and its warnings."""
    columns = [pa.array([3] * len(values), pa.int32()), pa.array(range(len(values)), pa.int64()), pa.array(values, pa.binary())]
    with capture_logs() as logs:
        told = tell(pa.RecordBatch.from_arrays(columns, names=["partition", "offset", "value"])).to_pylist()
        series, out = Series(), []
        for row in told:
            if not row["model"]:
                continue  # what the record tells of rejections is a series of its own
            series = mended(decode_series(encode_series(series)))
            record = decode(row["value"])
            assert isinstance(record, Reference | Metrics)
            out += [encode(published) for published in take(series, KEY, record, LIMITS)]
    return out, logs


@strange
def test_a_strange_record_is_refused_and_the_others_count(value: bytes, reason: str) -> None:
    before: list[bytes | None] = [encode(reference()), *(encode(batch(n, OTHER)) for n in range(2))]
    after: list[bytes | None] = [encode(batch(n, OTHER)) for n in range(2, 6)]
    out, logs = run([*before, value, *after])
    assert out == run([*before, *after])[0]
    assert [type(decode(published)) for published in out] == [Drift, Alert, Drift]
    (warning,) = logs
    assert (warning["event"], warning["log_level"], warning["partition"], warning["offset"]) == ("record_refused", "warning", 3, 3)
    assert reason in warning["reason"]
    assert len(warning["reason"]) <= 200
    assert "\n" not in warning["reason"]


@pytest.mark.parametrize(
    "record",
    [
        batch(1, SAME),
        reference(),
        metrics(1, [group(), group(scored=0, features={}, score=Histogram([]))]),
        metrics(1, []),
        metrics(1, [group(features={"plan": Histogram([0, 0], missing=100)})]),
        reference(bins={"plan": msgspec.structs.replace(BINS, values=[])}, counts={"plan": Histogram([], missing=9)}),
    ],
    ids=["metrics", "reference", "a variant that scored nothing", "a batch of rejects", "all missing", "never a value in training"],
)
def test_what_is_sound_is_admitted_as_it_is(record: Metrics | Reference) -> None:
    assert admit(encode(record), partition=0, offset=0) == record


@pytest.mark.parametrize("value", [b'{"record": "weather", "version": 1}', b'{"record": "metrics", "version": 9, "now": 3}'])
def test_a_record_of_a_later_release_is_passed_over_without_a_word(value: bytes) -> None:
    assert run([value]) == ([], [])


def test_a_message_without_a_value_is_refused() -> None:
    out, (warning,) = run([None])
    assert (out, warning["offset"]) == ([], 0)


def test_histograms_that_do_not_fit_the_reference_are_left_out_and_told() -> None:
    other_bins = of_group(features={"plan": Histogram([1, 2, 3])})
    out, logs = run([encode(reference()), encode(batch(0)), other_bins, *(encode(batch(n)) for n in range(2, 4))])
    assert [record.events for record in map(decode, out) if isinstance(record, Drift)] == [300]
    assert [log["event"] for log in logs] == ["histograms_do_not_fit_reference"]


@pytest.mark.parametrize(
    ("poison", "part"),
    [
        (lambda: Series(reference=reference(counts={"plan": Histogram([0, 0])})), "reference"),
        (lambda: _with_window(batch(0, now="yesterday")), "window"),
        (lambda: _with_window(batch(0, now="2026-01-01T00:00:00")), "window"),
        (lambda: _with_window(metrics(0, [group(score=Histogram([-1, 1]))])), "window"),
    ],
)
def test_a_state_that_let_a_strange_record_in_is_mended_and_told(poison: Callable[[], Series], part: str) -> None:
    with capture_logs() as logs:
        series = mended(decode_series(encode_series(poison())))
    assert getattr(series, part) is None
    assert [(log["event"], log["part"]) for log in logs] == [("state_refused", part)]
    out = [take(series, KEY, record, LIMITS) for record in (reference(), *(batch(n) for n in range(1, 4)))]
    assert [type(record) for published in out for record in published] == [Drift]


def _with_window(record: Metrics) -> Series:
    """A series into which a record went unlooked at, before its reference came."""
    series = Series()
    assert take(series, KEY, record, LIMITS) == []
    return series
