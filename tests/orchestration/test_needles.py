"""Many words are found in one pass exactly where looking for each of them finds it."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.erasure.needles import Needles

# Few letters, so that words begin, end and stand in each other.
LETTERS = st.text("ab@1é", min_size=6, max_size=12)
WORDS = st.sets(LETTERS, max_size=6)
TEXTS = st.lists(st.one_of(st.none(), st.text("ab@1é ", max_size=30), LETTERS), max_size=6)


def positions(text, word):
    """Return where a word begins in a text, overlapping or not."""
    return {i for i in range(len(text)) if text.startswith(word, i)}


@settings(deadline=None)
@given(WORDS, TEXTS)
def test_every_word_is_found_wherever_it_stands(words, texts):
    """In bytes as in the rows of a column, of which a part may have been cut off."""
    texts = [*texts, *(f"x{word}y" for word in words)]
    needles, text = Needles(words), " ".join(one or "" for one in texts).encode()
    column = pa.array(["cut off", *texts], pa.string()).slice(1)

    assert set(needles.found_in(text)) == {
        (at, word.encode()) for word in words for at in positions(text, word.encode())
    }
    assert set(needles.rows_of(column)) == {
        (row, at, word.encode())
        for row, one in enumerate(texts)
        for word in words
        for at in positions((one or "").encode(), word.encode())
    }


def test_a_short_word_is_refused():
    """It would stand in any text."""
    with pytest.raises(ValueError, match="less than 6 bytes"):
        Needles(["anna"])
