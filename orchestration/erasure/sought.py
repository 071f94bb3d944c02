"""Look for identifiers in texts of whatever form: columns, files, bytes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import pyarrow as pa
from duckdb.func import ARROW, SPECIAL

from orchestration.erasure.needles import Needles
from orchestration.erasure.persons import Identifier
from orchestration.warehouse import Connection

FUNCTION = "tells_of_erased"
_IS_THERE = "select 1 from duckdb_functions() where function_name = ?"


# What, beside a value, makes it a part of another one; and kinds that nothing makes one.
_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789")
_ADDRESS = _WORD | frozenset(b"._%+-")
WHEREVER = frozenset({"email", "device", "push_token", "customer"})


class Sought:
    """The identifiers of a scope, made ready to be looked for in any number of places."""

    def __init__(self, needles: Iterable[Identifier]) -> None:
        self._kinds: dict[bytes, list[str]] = {}
        for kind, value in needles:
            self._kinds.setdefault(value.encode(), []).append(kind)
        self._words = Needles([word.decode() for word in self._kinds])

    def in_column(self, column: pa.StringArray) -> set[int]:
        """Return the rows of a column, in lower case, in which one stands as a word of its own."""
        found = set()
        for row, position, word in self._words.rows_of(column):
            if row not in found and self._is_alone(column[row].as_py().encode(), position, word):
                found.add(row)
        return found

    def in_texts(self, texts: Sequence[bytes]) -> set[int]:
        """Return the numbers of the texts, in UTF-8 of any case, in which one stands as a word."""
        lower = [text.decode("utf-8", "replace").lower() for text in texts]
        return self.in_column(pa.array(lower, pa.string()))

    def install(self, connection: Connection) -> None:
        """Give the queries of a connection the function `tells_of_erased(text in lower case)`."""
        if connection.raw.execute(_IS_THERE, [FUNCTION]).fetchall():
            connection.raw.remove_function(FUNCTION)

        def tells(column: pa.ChunkedArray) -> pa.Array:
            texts = column.combine_chunks()
            found = self.in_column(texts)
            return pa.array([row in found for row in range(len(texts))], pa.bool_())

        connection.raw.create_function(
            FUNCTION, tells, ["VARCHAR"], "BOOLEAN", type=ARROW, null_handling=SPECIAL
        )

    def inside(self, column: pa.StringArray) -> Iterator[tuple[bytes, bytes]]:
        """Yield what stands within a longer value of a column, and that value."""
        for row, _, word in self._words.rows_of(column):
            value = column[row].as_py().encode()
            if value != word:
                yield word, value

    def in_bytes(self, chunk: bytes, longer: Mapping[bytes, list[bytes]]) -> Iterator[Identifier]:
        """Yield what stands in bytes, in lower case, where it is no part of a longer one.

        Texts follow each other without a gap in a database, so that a neighbour says nothing but
        beside a number, which may be a part of any longer one.
        """
        for position, word in self._words.found_in(chunk):
            if any(_covers(chunk, position, word, other) for other in longer.get(word, ())):
                continue
            for kind in self._kinds[word]:
                if (
                    kind in WHEREVER
                    or word.startswith(b"+")
                    or _has_edges(chunk, position, word, kind)
                ):
                    yield kind, word.decode()

    def _is_alone(self, text: bytes, position: int, word: bytes) -> bool:
        return any(_has_edges(text, position, word, kind) for kind in self._kinds[word])


def _has_edges(text: bytes, position: int, word: bytes, kind: str) -> bool:
    end = position + len(word)
    before = _ADDRESS if kind == "email" else _WORD
    starts = position == 0 or text[position - 1] not in before
    return starts and (end == len(text) or text[end] not in _WORD)


def _covers(chunk: bytes, position: int, word: bytes, other: bytes) -> bool:
    start = position - other.index(word)
    return start >= 0 and chunk.startswith(other, start)
