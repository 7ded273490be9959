"""Use cases like another, found by trigrams: words typed slightly otherwise are found too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.search import TrigramSimilarity
from django.db.models import F, FloatField, Q, Value
from django.db.models.functions import Greatest

from governance.access.models import User
from governance.registry.models import UseCase

# Of 1: from here on somebody should look whether it is the same thing.
DUPLICATE = 0.5
MOST_SHOWN = 5
# Texts alike in fewer letters than this are alike by chance.
SHORTEST = 4


@dataclass(frozen=True)
class Similar:
    """A use case that the person may see, and how much it is like what was typed."""

    use_case: Any
    likeness: float

    @property
    def percent(self) -> int:
        return round(self.likeness * 100)

    @property
    def is_duplicate(self) -> bool:
        return self.likeness >= DUPLICATE


def titled_like(words: str) -> Q:
    """For a search box: a part of the title, or words that are nearly in it."""
    found = Q(title__icontains=words)
    return found | Q(title__trigram_word_similar=words) if len(words) >= SHORTEST else found


def similar_to(
    user: User, *, title: str, feature: str = "", outcome: str = "", besides: int | None = None
) -> list[Similar]:
    """The most similar ones in the person's reach, by title, feature or outcome.

    Nothing is said of those beyond their reach, not even that they are there.
    """
    typed = {"title": title, "feature": feature, "outcome": outcome}
    given = {name: _clean(text) for name, text in typed.items()}
    given = {name: text for name, text in given.items() if len(text) >= SHORTEST}
    if not given:
        return []
    alike = Q()
    for name, text in given.items():
        alike |= Q(**{f"{name}__trigram_similar": text})
    measures = [TrigramSimilarity(name, text) for name, text in given.items()]
    # Greatest wants two; nothing is less like than not at all.
    likeness = Greatest(*measures, Value(0.0), output_field=FloatField())
    found = UseCase.objects.visible_to(user).filter(alike).select_related("team", "owner")
    if besides is not None:
        found = found.exclude(pk=besides)
    ranked = found.annotate(likeness=likeness).order_by(F("likeness").desc(), "pk")
    shown: Any = ranked[:MOST_SHOWN]
    return [Similar(one, one.likeness) for one in shown]


def _clean(text: str) -> str:
    return text.replace("\x00", "").strip()[:5000]
