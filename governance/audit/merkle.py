"""The Merkle tree of RFC 6962 over SHA-256: roots, inclusion and consistency proofs. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

HASH_BYTES = 32


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 || data), RFC 6962 section 2.1."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(size: int) -> int:
    """The largest power of two smaller than `size` (which is at least 2)."""
    return 1 << (size - 1).bit_length() - 1


def root(leaves: Sequence[bytes]) -> bytes:
    """Root over leaf hashes in order; the empty tree's is SHA-256 of nothing."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


class Frontier:
    """The right edge of a growing tree: O(log n) hashes from which the root follows."""

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        if bin(size).count("1") != len(hashes):
            raise ValueError("A frontier holds one hash per set bit of its size.")
        self.size = size
        self.hashes = list(hashes)

    def append(self, leaf: bytes) -> None:
        carry = leaf
        size = self.size
        while size & 1:
            carry = node_hash(self.hashes.pop(), carry)
            size >>= 1
        self.hashes.append(carry)
        self.size += 1

    def root(self) -> bytes:
        if not self.hashes:
            return hashlib.sha256(b"").digest()
        result = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            result = node_hash(left, result)
        return result


def _level_above(below: bytearray) -> bytearray:
    above, pair = bytearray(), 2 * HASH_BYTES
    for at in range(0, len(below) - HASH_BYTES, pair):
        above += hashlib.sha256(b"\x01" + below[at : at + pair]).digest()
    return above + below[len(above) * 2 :]


class Tree:
    """All levels of a tree in memory, 64 bytes a leaf, for proofs at O(log n) each.

    `leaves` is read once. A level holds its hashes end to end; a last one without a pair
    goes up as it is, which is the shape that RFC 6962 defines.
    """

    def __init__(self, leaves: Iterable[bytes]) -> None:
        level = bytearray()
        for leaf in leaves:
            level += leaf
        self.size = len(level) // HASH_BYTES
        self._levels = [level]
        while len(self._levels[-1]) > HASH_BYTES:
            self._levels.append(_level_above(self._levels[-1]))

    def _hash(self, level: int, index: int) -> bytes:
        return bytes(self._levels[level][index * HASH_BYTES : (index + 1) * HASH_BYTES])

    def _subtree(self, start: int, end: int) -> bytes:
        """Root of leaves start..end; complete aligned subtrees are read, others computed."""
        size = end - start
        level = size.bit_length() - 1
        if size == 1 << level and start % size == 0:
            return self._hash(level, start >> level)
        middle = start + _split(size)
        return node_hash(self._subtree(start, middle), self._subtree(middle, end))

    def root(self) -> bytes:
        return self._subtree(0, self.size) if self.size else hashlib.sha256(b"").digest()

    def inclusion(self, index: int) -> list[bytes]:
        """Audit path of the leaf at `index`, from the bottom up; IndexError outside the tree."""
        if not 0 <= index < self.size:
            raise IndexError(f"No leaf {index} in a tree of {self.size}.")
        path = []
        for level in range(len(self._levels) - 1):
            if sibling := self._hash(level, index ^ 1):
                path.append(sibling)
            index >>= 1
        return path

    def consistency(self, old_size: int) -> list[bytes]:
        """Proof that this tree extends its own first `old_size` leaves (1 up to size)."""
        if not 1 <= old_size <= self.size:
            raise ValueError(f"No consistency from {old_size} to {self.size}.")
        return self._extends(old_size, 0, self.size, True)

    def _extends(self, old: int, start: int, end: int, whole: bool) -> list[bytes]:
        size = end - start
        if old == size:
            return [] if whole else [self._subtree(start, end)]
        middle = _split(size)
        if old <= middle:
            rest = self._extends(old, start, start + middle, whole)
            return [*rest, self._subtree(start + middle, end)]
        rest = self._extends(old - middle, start + middle, end, False)
        return [*rest, self._subtree(start, start + middle)]


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], expected_root: bytes
) -> bool:
    """RFC 9162 section 2.1.3.2; hashes of a wrong length never verify."""
    if not 0 <= index < size or any(len(one) != HASH_BYTES for one in (leaf, *path)):
        return False
    position, last, result = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            result = node_hash(sibling, result)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and result == expected_root


def verify_consistency(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> bool:
    """RFC 9162 section 2.1.4.2; from an empty tree is refused, equal sizes compare roots."""
    if old_size <= 0 or old_size > new_size or any(len(one) != HASH_BYTES for one in path):
        return False
    if old_size == new_size:
        return not path and old_root == new_root
    hashes = list(path)
    if old_size & (old_size - 1) == 0:
        hashes.insert(0, old_root)
    if not hashes:
        return False
    position, last = old_size - 1, new_size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old_result = new_result = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old_result = node_hash(sibling, old_result)
            new_result = node_hash(sibling, new_result)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            new_result = node_hash(new_result, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and old_result == old_root and new_result == new_root
