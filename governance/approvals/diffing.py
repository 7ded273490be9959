"""What changes, for people: fields side by side, words inside lines. Pure."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
LONGEST_BY_WORD = 20_000
LONGEST_KEY = 250
_DIGEST = re.compile(r"[0-9a-f]{64}")
SHOWN_OF_DIGEST = 12


@dataclass(frozen=True)
class Piece:
    """A stretch of text: "same", "removed" or "added"."""

    kind: str
    text: str


@dataclass(frozen=True)
class FieldDiff:
    """One field: its path in words, its status and the pieces of its text."""

    label: str
    status: str
    pieces: tuple[Piece, ...] = field(default_factory=tuple)
    is_long: bool = False
    key: str = ""


def word_diff(before: str, after: str) -> tuple[Piece, ...]:
    """Words removed and added; texts over 20,000 characters are compared by line."""
    by_word = len(before) + len(after) <= LONGEST_BY_WORD
    split = _WORDS.findall if by_word else (lambda text: text.splitlines(keepends=True))
    old, new = split(before), split(after)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    return tuple(_pieces(matcher, old, new))


def _pieces(matcher: Any, old: list[str], new: list[str]) -> Iterator[Piece]:
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            yield Piece("same", "".join(old[i1:i2]))
            continue
        if i2 > i1:
            yield Piece("removed", "".join(old[i1:i2]))
        if j2 > j1:
            yield Piece("added", "".join(new[j1:j2]))


def flatten(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    """Leaves of nested JSON by path; a JSON Schema and other deep things stay one text."""
    if isinstance(value, dict) and value and not _is_schema(value):
        items = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, list) and value and any(isinstance(one, dict) for one in value):
        items = [(str(number + 1), item) for number, item in enumerate(value)]
    else:
        text = as_text(value)
        # The names of roles are our own; other texts stand as they were written.
        return {path: text.replace("_", " ") if path[-1:] == ("roles",) else text}
    leaves: dict[tuple[str, ...], str] = {}
    for key, item in items:
        leaves |= flatten(item, (*path, key))
    return leaves


def _is_schema(value: dict[str, Any]) -> bool:
    return "properties" in value or "$schema" in value


def as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(as_text(one) for one in value)
    if isinstance(value, dict):
        return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)
    text = str(value)
    # Nobody reads a digest; its beginning tells two of them apart, and the log has the whole.
    return f"{text[:SHOWN_OF_DIGEST]}…" if _DIGEST.fullmatch(text) else text


def field_diffs(before: Any, after: Any) -> list[FieldDiff]:
    """All fields of both, in the order of the new content, each with its status."""
    old = flatten(before) if before else {}
    new = flatten(after) if after else {}
    return [_field(path, old.get(path), new.get(path)) for path in dict.fromkeys([*new, *old])]


def _field(path: tuple[str, ...], before: str | None, after: str | None) -> FieldDiff:
    label = " › ".join(part.replace("_", " ") for part in path) or "content"
    key = "/".join(path)[:LONGEST_KEY] or "content"
    old, new = before or "", after or ""
    is_long = "\n" in old + new or len(old) + len(new) > 160
    if old == new:
        return FieldDiff(label, "same", (Piece("same", new),), is_long, key)
    status = "added" if before is None else "removed" if after is None else "changed"
    return FieldDiff(label, status, word_diff(old, new), is_long, key)
