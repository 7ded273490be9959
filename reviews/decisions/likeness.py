"""How alike two answers are, from marks that say nothing about them. Pure.

A text becomes a MinHash sketch (Broder 1997) of its pieces of five characters, each under a
keyed hash: the share of equal places of two sketches estimates the share of pieces that the
texts have in common (Jaccard), with a standard error of at most 1/sqrt(64), about 6 percent.
Without the key nobody can try out which text gave a sketch.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PIECE = 5
PLACES = 64
ROWS_PER_BAND = 4
MOST_CHARACTERS = 20_000
LEAST_SHARE = 40
"""Percent, below which nothing is called alike."""


@dataclass(frozen=True)
class Likeness:
    """`exact` is equal for equal texts; `bands` share a number where texts are probably alike."""

    exact: str
    sketch: list[int]
    bands: list[int]


def likeness(text: str, key: bytes) -> Likeness:
    """The marks of a text under a key of 32 bytes."""
    plain = " ".join(text.lower().split())[:MOST_CHARACTERS]
    exact = hmac.new(key, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
    pieces = {plain[at : at + PIECE] for at in range(max(1, len(plain) - PIECE + 1))}
    hashes = np.array([_hashed(one.encode("utf-8", "replace"), key) for one in pieces], np.uint64)
    sketch = [int(np.min(hashes * a + b)) for a, b in _mixers(key)]
    signed = [one - 2**63 for one in sketch]
    return Likeness(exact, signed, _bands(signed, key))


def _hashed(data: bytes, key: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, key=key, digest_size=8).digest())


def _mixers(key: bytes) -> list[tuple[np.uint64, np.uint64]]:
    """An odd factor and a summand for each place; arithmetic is modulo 2^64."""
    return [
        (np.uint64(_hashed(b"a%d" % at, key) | 1), np.uint64(_hashed(b"b%d" % at, key)))
        for at in range(PLACES)
    ]


def _bands(sketch: Sequence[int], key: bytes) -> list[int]:
    return [
        _hashed(repr((at, sketch[at : at + ROWS_PER_BAND])).encode(), key) - 2**63
        for at in range(0, PLACES, ROWS_PER_BAND)
    ]


def share_alike(one: Sequence[int], other: Sequence[int]) -> int:
    """Percent of the places in which two sketches are equal."""
    return 100 * sum(a == b for a, b in zip(one, other)) // PLACES
