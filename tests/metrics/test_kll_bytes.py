"""Bytes are told to be a KLL sketch by their own layout: every real one is, and none that is cut or changed where it counts."""

from __future__ import annotations

import datasketches as ds
import numpy as np
import pytest

from streaming.metrics.kll_bytes import is_kll


def sketch(size: int, k: int = 200) -> bytes:
    made = ds.kll_doubles_sketch(k)
    if size:
        made.update(np.random.default_rng(size).normal(size=size))
    return bytes(made.serialize())


@pytest.mark.parametrize("k", [8, 200, 400])
@pytest.mark.parametrize("size", [0, 1, 2, 199, 200, 201, 5_000, 300_000])
def test_every_sketch_is_one(size: int, k: int) -> None:
    made = sketch(size, k)
    assert is_kll(made)
    merged = ds.kll_doubles_sketch(k)
    for _ in range(7):
        merged.merge(ds.kll_doubles_sketch.deserialize(made))
    assert is_kll(bytes(merged.serialize()))


@pytest.mark.parametrize("size", [1, 100, 5_000])
def test_no_part_of_one_is_one(size: int) -> None:
    made = sketch(size)
    assert [cut for cut in range(len(made)) if is_kll(made[:cut])] == []
    assert not is_kll(made + b"\0")


def test_a_changed_head_is_never_read_beyond_its_end() -> None:
    """Those that are taken for a sketch are read without harm: the same length, other numbers."""
    made = sketch(5_000)
    for place in range(40):
        for bit in range(8):
            changed = bytearray(made)
            changed[place] ^= 1 << bit
            if is_kll(bytes(changed)):
                assert ds.kll_doubles_sketch.deserialize(bytes(changed)).n == 5_000
