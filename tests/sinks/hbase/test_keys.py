from __future__ import annotations

from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.sinks.hbase.keys import address_key, cell_time, chunks, claim_key, entity_key, history_key, split_keys

YEAR_1, YEAR_9999 = -62_135_596_800_000_000, 253_402_300_799_999_999
moments = st.tuples(st.integers(YEAR_1, YEAR_9999), st.integers(YEAR_1, YEAR_9999))
close = st.tuples(st.integers(1_767_355_200_000_000, 1_767_355_200_000_003), st.integers(1_767_355_100_000_000, 1_767_355_300_000_000))
names = st.text(max_size=6) | st.sampled_from(["", "\0", "\0\0", "a\0", "a", "é" * 2000, "é" * 2001])


def times(pairs: list[tuple[int, int]]) -> list[int]:
    event, received = np.array(pairs, dtype=np.int64).T
    found = cell_time(event, received)
    assert found.dtype == np.int64
    return [int(time) for time in found]


@given(st.lists(moments | close, min_size=2, max_size=20))
def test_a_cell_of_what_is_newer_never_has_a_smaller_timestamp(pairs: list[tuple[int, int]]) -> None:
    ordered = times(sorted(pairs))
    assert ordered == sorted(ordered)
    assert all(0 < time < 2**63 - 1 for time in ordered)


@given(st.integers(0, 4_000_000_000_000_000), st.integers(0, 4_000_000_000_000_000))
def test_another_event_time_is_another_timestamp(one: int, other: int) -> None:
    first, second = times([(one, one + 50), (other, other - 50)])
    assert (first < second) == (one < other) or one == other


@given(st.integers(1, 10**12))
def test_events_of_one_microsecond_are_told_apart_by_a_delay_that_differs_by_a_tenth(delay: int) -> None:
    quick, slow = times([(10**15, 10**15 + delay), (10**15, 10**15 + delay + delay // 10 + 1)])
    assert quick < slow


@given(names, names, names, names)
def test_no_entitys_key_is_the_beginning_of_anothers(deployment: str, entity: str, other_deployment: str, other: str) -> None:
    one, two = entity_key(deployment, entity), entity_key(other_deployment, other)
    assert (one == two) == ((deployment, entity) == (other_deployment, other))
    assert one == two or not two.startswith(one)


def test_a_name_of_any_length_fits_into_a_key() -> None:
    """HBase's limit is 32,767 bytes."""
    assert len(history_key(entity_key("d" * 10**6, "\0" * 10**6), 0, bytes(16))) < 32_767


@given(st.lists(st.integers(YEAR_1, YEAR_9999), min_size=2, max_size=10))
def test_the_history_of_an_entity_is_newest_first(events: list[int]) -> None:
    keys = [history_key(b"e", event, bytes(16)) for event in sorted(events)]
    assert keys == sorted(keys, reverse=True)


def test_claims_and_addresses_are_told_apart_by_each_part() -> None:
    claims = {claim_key(own_id, event) for own_id in (bytes(16), b"\1" * 16) for event in (YEAR_1, 0, YEAR_9999)}
    assert len(claims) == 6
    keys = {address_key(d, t, p, o) for d in ("d", "dt") for t in ("t", "tt") for p in (0, 2**31 - 1) for o in (0, 2**63 - 1)}
    assert len(keys) == 16


def test_salts_spread_entities_over_the_regions() -> None:
    splits = [b"", *split_keys(8), b"\xff" * 2]
    keys = [entity_key("risk", f"C{number:07d}") for number in range(4000)]
    counts = [sum(low <= key < high for key in keys) for low, high in pairwise(splits)]
    assert sum(counts) == 4000
    assert min(counts) > 350


@given(st.lists(st.integers(1, 30), max_size=40), st.integers(1, 5), st.integers(1, 40))
def test_chunks_hold_every_row_once_within_both_limits(sizes: list[int], most_rows: int, most_bytes: int) -> None:
    parts = [sizes[part] for part in chunks(sizes, most_rows, most_bytes)]
    assert list(chain.from_iterable(parts)) == sizes
    assert all(len(part) <= most_rows for part in parts)
    assert all(sum(part) <= most_bytes for part in parts if len(part) > 1)


@pytest.mark.parametrize("regions", [1, 2, 7, 256])
def test_a_table_is_split_into_as_many_regions_as_asked_for(regions: int) -> None:
    assert len(set(split_keys(regions))) == regions - 1
