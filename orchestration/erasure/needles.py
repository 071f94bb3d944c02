"""Find many words at once in texts and in bytes, in one pass whatever their number."""

from collections.abc import Collection, Iterator

import numpy as np
import pyarrow as pa

SHORT, LONG = 6, 8
"""Bytes of a word by which it is looked for first; a word is at least as long as SHORT."""

_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_BITS = 22
_BLOCK = 1 << 21


class Needles:
    """Words to look for, in lower case and UTF-8, of at least 6 bytes each.

    A few bytes of each word are looked up at every position at once (Karp and Rabin's search for
    several patterns); only where they stand is the whole word compared. Of an e-mail address
    these are the ones up to the @, because it ends with its provider and often begins with a first
    name; of anything else the last ones, because numbers and ids begin alike.
    """

    def __init__(self, words: Collection[str]) -> None:
        encoded = {word.encode() for word in words}
        if any(len(word) < SHORT for word in encoded):
            msg = f"A word of less than {SHORT} bytes stands in any text."
            raise ValueError(msg)
        long = {word for word in encoded if len(word) >= LONG}
        self._parts = [_Part(long, LONG), _Part(encoded - long, SHORT)]

    def found_in(self, text: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield position and word wherever one of them stands."""
        for part in self._parts:
            yield from part.found_in(text)

    def rows_of(self, column: pa.StringArray) -> Iterator[tuple[int, int, bytes]]:
        """Yield the row of a column, the position in its text (in bytes) and the word."""
        if not len(column):
            return
        offsets = np.frombuffer(column.buffers()[1], np.int32)
        offsets = offsets[column.offset : column.offset + len(column) + 1]
        data = column.buffers()[2]
        text = b"" if data is None else data.to_pybytes()[: int(offsets[-1])]
        for position, word in self.found_in(text):
            row = int(np.searchsorted(offsets, position, "right")) - 1
            if 0 <= row < len(column) and position + len(word) <= offsets[row + 1]:
                yield row, position - int(offsets[row]), word


class _Part:
    """The words of which `size` bytes are looked for first."""

    def __init__(self, words: Collection[bytes], size: int) -> None:
        self._size = size
        self._words: dict[bytes, list[tuple[int, bytes]]] = {}
        for word in sorted(words):
            start = max(0, word.find(b"@") - size + 1) if b"@" in word else len(word) - size
            self._words.setdefault(word[start : start + size], []).append((start, word))
        padded = b"".join(key.ljust(8, b"\0") for key in self._words)
        self._keys = np.unique(np.frombuffer(padded, "<u8"))
        self._mask = np.uint64((1 << 8 * size) - 1)
        self._table = np.zeros(1 << _BITS, np.bool_)
        self._table[self._slots(self._keys)] = True

    def found_in(self, text: bytes) -> Iterator[tuple[int, bytes]]:
        if not self._words:
            return
        padded = text + bytes(8)
        for start in range(0, len(text), _BLOCK):
            count = min(_BLOCK, len(text) - start)
            for position in self._candidates(padded, start, count):
                key = text[position : position + self._size]
                for before, word in self._words.get(key, ()):
                    if position >= before and text.startswith(word, position - before):
                        yield position - before, word

    def _candidates(self, padded: bytes, start: int, count: int) -> list[int]:
        view = np.ndarray((count,), "<u8", padded, start, (1,)) & self._mask
        there = np.flatnonzero(self._table[self._slots(view)])
        nearest = np.searchsorted(self._keys, view[there]).clip(max=len(self._keys) - 1)
        there = there[self._keys[nearest] == view[there]]
        return [start + int(position) for position in there]

    @staticmethod
    def _slots(keys: "np.ndarray[tuple[int], np.dtype[np.uint64]]") -> "np.ndarray":
        return (keys * _SPREAD) >> np.uint64(64 - _BITS)
