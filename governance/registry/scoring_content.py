"""What one version of the scoring model says, and how untrusted facts become one. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from governance.kernel.errors import Invalid
from governance.registry import scoring

KINDS = ("impact", "effort")
LEAST_OF_A_KIND, MOST_OF_A_KIND = 2, 8
LONGEST_TITLE, LONGEST_WORDS = 80, 120
HEAVIEST = Decimal(100)
LEAST_THRESHOLD, MOST_THRESHOLD = Decimal("1.5"), Decimal("4.5")
_KEY = re.compile(r"[a-z][a-z0-9_]{1,29}")
_HUNDREDTH = Decimal("0.01")
# Other fields of the forms bear these names.
RESERVED_KEYS = frozenset({"rationale", "version", "model_version", "look", "reason"})


@dataclass(frozen=True)
class Dimension:
    """One thing that is scored; `words` say what each point from 1 to 5 means."""

    key: str
    title: str
    kind: str
    weight: Decimal
    words: tuple[str, ...]

    @property
    def why(self) -> str:
        """The field with the sentence for it."""
        return f"{self.key}_why"

    @property
    def scale(self) -> list[tuple[str, str]]:
        return [(str(point), words) for point, words in enumerate(self.words, 1)]

    def as_facts(self) -> dict[str, Any]:
        facts = {"key": self.key, "title": self.title, "kind": self.kind}
        return facts | {"weight": str(self.weight), "words": list(self.words)}


@dataclass(frozen=True)
class ModelContent:
    """Dimensions with their weights, and from where on impact and effort count as high.

    Weights are positive numbers of which only the share counts: they are normalised when
    totals are made, so that one can be changed without touching the others.
    """

    dimensions: tuple[Dimension, ...]
    threshold: Decimal

    def of(self, kind: str) -> tuple[Dimension, ...]:
        return tuple(one for one in self.dimensions if one.kind == kind)

    def side(self, kind: str) -> dict[str, tuple[str, int | Decimal]]:
        return {one.key: (one.title, one.weight) for one in self.of(kind)}

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(one.key for one in self.dimensions)

    def share(self, dimension: Dimension) -> Decimal:
        """The weight's share of its side, in percent."""
        total = sum((one.weight for one in self.of(dimension.kind)), Decimal(0))
        return (dimension.weight / total * 100).quantize(Decimal("0.1"))

    def totals(self, points: Mapping[str, int]) -> tuple[Decimal, Decimal]:
        """Impact and effort; KeyError when a dimension is missing."""
        impact, effort = (scoring.weighted(points, self.side(kind)) for kind in KINDS)
        return impact, effort

    def split(self, points: Mapping[str, int]) -> dict[str, dict[str, int]]:
        return {kind: {one.key: points[one.key] for one in self.of(kind)} for kind in KINDS}

    def as_proposal(self) -> dict[str, Any]:
        dimensions = [one.as_facts() for one in self.dimensions]
        return {"dimensions": dimensions, "threshold": str(self.threshold)}


_SCALES = {
    "value": ("Hardly any", "Some hours a month", "Some days a month", "A post", "Several posts"),
    "reach": ("A few", "A group", "A team", "A department", "Everybody or many customers"),
    "quality": ("None", "Slight", "Noticeable", "Clear", "Prevents harm or large losses"),
    "strategy": ("Beside it", "Loosely tied", "Fits", "Named in it", "It rests on this"),
    "build": ("Days", "Weeks", "A quarter", "Half a year", "A year or more"),
    "data": ("At hand", "Small gaps", "Must be cleaned", "Must be collected", "Does not exist yet"),
    "change": ("None", "A hint is enough", "Training", "New roles", "A reorganisation"),
    "assurance": ("As usual", "Samples", "A test set", "Every output", "Outside experts"),
}


def _starting() -> Iterator[Dimension]:
    for kind, side in zip(KINDS, (scoring.IMPACT, scoring.EFFORT), strict=True):
        for key, (title, weight) in side.items():
            yield Dimension(key, title, kind, Decimal(weight), _SCALES[key])


# Version 1, which every installation begins with.
STARTING = ModelContent(tuple(_starting()), scoring.MIDDLE)


def read_content(given: Mapping[str, Any]) -> ModelContent:
    """The content from facts that are not trusted; raises Invalid with all that does not fit.

    Fields are named `dimensions-<place>-<name>`, so that a page finds the input again.
    """
    problems: dict[str, list[str]] = {}
    rows = given.get("dimensions")
    rows = rows if isinstance(rows, list) else []
    read = [_dimension(row, f"dimensions-{place}", problems) for place, row in enumerate(rows)]
    _check_together(read, problems)
    threshold = _number(given.get("threshold"), LEAST_THRESHOLD, MOST_THRESHOLD)
    if threshold is None:
        problems["threshold"] = [f"A number from {LEAST_THRESHOLD} to {MOST_THRESHOLD}."]
    if problems or threshold is None:
        raise Invalid("Nothing was proposed: some fields do not fit.", fields=problems)
    return ModelContent(tuple(sorted(read, key=lambda one: KINDS.index(one.kind))), threshold)


def _dimension(row: Any, name: str, problems: dict[str, list[str]]) -> Dimension:
    facts = row if isinstance(row, Mapping) else {}
    key, title = str(facts.get("key", "")).strip(), str(facts.get("title", "")).strip()
    kind, given = str(facts.get("kind", "")), facts.get("words")
    words = tuple(str(one).strip() for one in given) if isinstance(given, list | tuple) else ()
    weight = _number(facts.get("weight"), _HUNDREDTH, HEAVIEST)
    if not _KEY.fullmatch(key) or key in RESERVED_KEYS or key.endswith("_why"):
        problems[f"{name}-key"] = ["2 to 30 small letters, digits or _, a letter first."]
    if not 1 <= len(title) <= LONGEST_TITLE or "\x00" in title:
        problems[f"{name}-title"] = [f"1 to {LONGEST_TITLE} characters."]
    if kind not in KINDS:
        problems[f"{name}-kind"] = [f"One of {', '.join(KINDS)}."]
        kind = KINDS[0]
    if weight is None:
        problems[f"{name}-weight"] = [f"A number from {_HUNDREDTH} to {HEAVIEST}."]
    if len(words) != 5 or not all(0 < len(one) <= LONGEST_WORDS for one in words):
        problems[f"{name}-words"] = [
            f"Say for each point from 1 to 5 what it means, in at most {LONGEST_WORDS} characters."
        ]
    elif "\x00" in "".join(words):
        problems[f"{name}-words"] = ["They hold a character that cannot be kept (NUL)."]
    return Dimension(key, title, kind, weight or Decimal(1), words)


def _check_together(read: list[Dimension], problems: dict[str, list[str]]) -> None:
    seen: set[str] = set()
    for place, one in enumerate(read):
        if one.key in seen:
            problems.setdefault(f"dimensions-{place}-key", ["Another dimension has this key."])
        seen.add(one.key)
    for kind in KINDS:
        count = sum(1 for one in read if one.kind == kind)
        if not LEAST_OF_A_KIND <= count <= MOST_OF_A_KIND:
            problems.setdefault("dimensions", []).append(
                f"{LEAST_OF_A_KIND} to {MOST_OF_A_KIND} dimensions of {kind}; there are {count}."
            )


def _number(given: Any, least: Decimal, most: Decimal) -> Decimal | None:
    """With at most two places; None for what is no such number."""
    if isinstance(given, bool) or not isinstance(given, str | int | float | Decimal):
        return None
    try:
        value = Decimal(str(given).strip())
    except InvalidOperation:
        return None
    if not value.is_finite() or not least <= value <= most:
        return None
    rounded = value.quantize(_HUNDREDTH)
    if rounded != value:
        return None
    # Plain, so that 4 and 4.00 are the same words in a comparison.
    return Decimal(f"{rounded.normalize():f}")
