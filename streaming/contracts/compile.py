r"""The fast path: a msgspec Struct made from the fields, whole batches into Arrow columns.

It accepts a row only where the exact path would, with the same values, and tells the reasons only where they are surely those
of the exact path (see `one_fault`); every other row it leaves to the exact path.
What msgspec itself would let pass is caught on whole columns (see `checks`):

- duplicate keys (the last wins silently): the value's quotation marks must be as many as the decoded keys and strings
  need; a doubled key needs more, and so does an escaped quotation mark, which is merely slower. No row has fewer than
  it needs, so that one sum tells of a whole batch whether any row has more;
- NUL characters, which PostgreSQL's text cannot hold: any value with the text `\u0000`;
- integers beyond 64 bits in a field of numbers: any number as large is left to the exact path;
- times: decoded as text, held to RFC 3339 by a regular expression, parsed by Arrow as a column;
- rules that no type can state, and fields of any shape: see `rules` and `nested`, which judge each distinct value once.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import compress

import msgspec
import numpy as np
import pyarrow as pa
from msgspec.structs import astuple
from numpy.typing import NDArray

from streaming.contracts.alone import Alone
from streaming.contracts.checks import Checks, Items, Judged
from streaming.contracts.fields import Field
from streaming.contracts.one_fault import OneFault
from streaming.contracts.reasons import Reason
from streaming.contracts.rules import Rule
from streaming.contracts.structs import read_each, struct_of

Reasons = dict[int, Sequence[Reason]]


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the collector of cycles: ten thousand tuples of scalars have none, and looking for them takes as long as making them."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class FastPath:
    """Decodes a batch of events of one schema into columns."""

    def __init__(self, fields: Sequence[Field], rules: Sequence[Rule], alone: Alone) -> None:
        """fields: of the schema, in order; rules: those that the fields' types do not hold; alone: of the schema."""
        self._fields, self._alone = fields, alone
        self._decode = msgspec.json.Decoder(struct_of(fields)).decode
        self._checks = Checks(fields, rules)
        self._one_fault = OneFault(fields, alone, wide=self._checks.is_wide)

    @_uncollected()
    def decode(self, values: pa.BinaryArray) -> tuple[list[pa.Array], NDArray[np.int64], Reasons]:
        """Columns of the rows that are surely valid, these rows' places in `values`, ascending, and the reasons of some others by place.

        values: no nulls. The rows with neither values nor reasons are for the exact path.
        """
        texts = values.to_pylist()
        rows, refused = read_each(map(astuple, map(self._decode, texts)))
        places = np.delete(np.arange(len(texts)), np.fromiter(refused, dtype=np.int64))
        reasons = self._faulty(values, texts, refused) if refused else {}
        if not rows:
            return [pa.array([], field.arrow) for field in self._fields], places, reasons
        items: Items = dict(enumerate(zip(*rows, strict=True)))
        judged = self._checks.judge(items, values.take(pa.array(places)) if refused else values)
        columns = [judged.columns[place] for place in range(len(self._fields))]
        good = judged.wrong.none
        if good.all():
            return columns, places, reasons
        reasons |= self._told(items, judged, texts, places)
        return [column.filter(pa.array(good)) for column in columns], places[good], reasons

    def _faulty(self, values: pa.BinaryArray, texts: Sequence[bytes], refused: Mapping[int, Exception]) -> Reasons:
        """The reasons of events that the types refuse, by place, where they have one fault or are no JSON."""
        found = self._one_fault.read(texts, refused)
        if not found.places:
            return found.broken
        items: Items = {place: found.items(place) for place in self._checks.needed}
        marks = np.array(found.quotes, dtype=np.int64)
        judged = self._checks.judge(items, values.take(pa.array(found.places, pa.int64())), found.parts, marks)
        told = zip(found.places, found.reasons, strict=True)
        return found.broken | dict(compress(told, judged.wrong.none.tolist()))

    def _told(self, items: Items, judged: Judged, texts: Sequence[bytes], places: NDArray[np.int64]) -> Reasons:
        """The reasons of rows that the types take, by place, where one text is wrong or one key doubled."""
        told: Reasons = {}
        for field, rows in judged.wrong.alone():
            written = map(msgspec.json.encode, map(items[field].__getitem__, rows))
            reasons = self._alone.reasons(self._fields[field].name, written)
            told |= zip(places[rows].tolist(), reasons, strict=True)
        for place in places[judged.ambiguous].tolist():
            told[place] = self._one_fault.doubled(texts[place])
        return {place: reasons for place, reasons in told.items() if reasons}
