"""Build columns of text, money and time for Arrow tables."""

import hashlib
import struct
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.shop.draws import Flags, Integers, Keys

Text = pa.Array | pa.ChunkedArray


def texts(values: Sequence[str | None]) -> pa.Array:
    """Return a plain text column."""
    return pa.array(values, pa.string())


def digits(numbers: Integers | Keys) -> pa.Array:
    """Return whole numbers as text."""
    return pc.cast(pa.array(numbers), pa.string())


def joined(*parts: pa.Array | str, separator: str = "") -> pa.Array:
    """Join texts row by row; plain strings are repeated, empty parts make the row empty."""
    return pc.binary_join_element_wise(*(*parts, pa.scalar(separator, pa.string())))


def picked(pool: pa.Array, positions: Integers) -> pa.Array:
    """Take one text per position; a negative position gives an empty value."""
    wanted = np.asarray(positions, dtype=np.int64)
    return pool.take(pa.array(wanted, mask=wanted < 0))


def coded(pool: pa.Array, positions: Integers) -> pa.DictionaryArray:
    """Return a dictionary column; a negative position gives an empty value."""
    wanted = np.asarray(positions, dtype=np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(wanted, mask=wanted < 0), pool)


def constant(value: str, count: int) -> pa.Array:
    """Repeat one text."""
    return pa.repeat(pa.scalar(value, pa.string()), count)


def emptied(column: pa.Array, is_kept: Flags) -> pa.Array:
    """Keep the values where told and empty the rest."""
    return pc.if_else(pa.array(is_kept), column, pa.scalar(None, column.type))


def scattered(column: pa.Array, is_present: Flags) -> pa.Array:
    """Spread values over the rows that have one; the other rows stay empty."""
    positions = np.where(is_present, np.cumsum(is_present) - 1, -1)
    return picked(column, positions)


def numbered(prefix: str, keys: Keys, bits: int) -> pa.Array:
    """Return identifiers that tell nothing about their order: a prefix and a scrambled number.

    Keys must be below 2**bits; the numbers are then unique, because adding, multiplying by an odd
    number and folding by xor are one to one. Every prefix has numbers of its own.
    """
    (salt,) = struct.unpack("<Q", hashlib.blake2b(prefix.encode(), digest_size=8).digest())
    mask = np.uint64(2**bits - 1)
    half = np.uint64(bits // 2)
    numbers = ((keys + np.uint64(salt)) * np.uint64(0x5851F42D4C957F2D)) & mask
    numbers ^= numbers >> half
    numbers = (numbers * np.uint64(0xD1342543DE82EF95)) & mask
    numbers ^= numbers >> half
    return joined(prefix, digits(numbers))


def hexadecimal(keys: Keys) -> pa.Array:
    """Return 16 hexadecimal characters per key."""
    nibbles = keys.astype(">u8").view(np.uint8)
    alphabet = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
    characters = np.empty((len(keys), 16), dtype=np.uint8)
    pairs = nibbles.reshape(len(keys), 8)
    characters[:, 0::2] = alphabet[pairs >> 4]
    characters[:, 1::2] = alphabet[pairs & 15]
    offsets = np.arange(0, 16 * len(keys) + 1, 16, dtype=np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(characters)]
    return pa.Array.from_buffers(pa.string(), len(keys), buffers)


def decimals(units: Integers, scale: int) -> pa.Array:
    """Return decimal(18, scale) from whole numbers of the smallest unit."""
    wide = np.empty((len(units), 2), dtype=np.int64)
    wide[:, 0] = units
    wide[:, 1] = wide[:, 0] >> 63
    return pa.Array.from_buffers(pa.decimal128(18, scale), len(units), [None, pa.py_buffer(wide)])


def timestamps(micros: Integers, is_present: Flags | None = None) -> pa.Array:
    """Return timestamps from microseconds since 1970; absent ones are empty."""
    mask = None if is_present is None else ~is_present
    return pa.array(micros.astype("datetime64[us]"), pa.timestamp("us"), mask=mask)
