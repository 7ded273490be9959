"""Findings marked in place: a text cut into plain and marked pieces. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Mark:
    """A stretch of the text that a reviewer should look at, and what it seems to be."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class Piece:
    """A part of the text; `label` is empty where nothing was found."""

    text: str
    label: str = ""


def marked(text: str, marks: Iterable[Mark]) -> list[Piece]:
    """The whole text in pieces. Of marks that overlap the first, then the longest, stands."""
    pieces, position = [], 0
    for mark in sorted(marks, key=lambda one: (one.start, -one.end)):
        if mark.start < position or mark.end <= mark.start:
            continue
        if mark.start > position:
            pieces.append(Piece(text[position : mark.start]))
        pieces.append(Piece(text[mark.start : mark.end], mark.label))
        position = mark.end
    if position < len(text):
        pieces.append(Piece(text[position:]))
    return pieces
