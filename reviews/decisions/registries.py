"""What others plug into deciding: marks in answers, what comes before a decision is final, and
what follows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from governance.kernel.authority import Actor
from governance.kernel.registries import Registry
from reviews.decisions.marking import Mark

if TYPE_CHECKING:
    from governance.access.models import User
    from reviews.decisions.models import ReviewDecision
    from reviews.decisions.rules import Judgement
    from reviews.queues.models import ReviewItem


@dataclass(frozen=True)
class Kept:
    """A decision that is in without being final; `url` is where its author reads on."""

    sentence: str
    url: str = ""


# The gateway, which screens answers, fills it.
answer_marks: Registry[Callable[[str], Iterable[Mark]]] = Registry("marks in held answers")

# With the item locked and the judgement checked; None lets it become the final decision.
before_final: Registry[Callable[[ReviewItem, Judgement, Actor, datetime], Kept | None]] = Registry(
    "what comes before a final decision"
)


@dataclass(frozen=True)
class ItemPanel:
    """A section beside an item, for the person who holds it. An empty context hides it.

    `waiting` is for somebody of the queue who opens an item that they do not hold.
    """

    template: str
    context: Callable[[ReviewItem], dict[str, Any]]
    waiting: Callable[[ReviewItem, User, datetime], dict[str, Any]] | None = None


item_panels: Registry[ItemPanel] = Registry("panels beside an item")

# Name → the text that somebody suggests for this item under that key; None: nobody does.
suggestions: Registry[Callable[[ReviewItem, str], str | None]] = Registry("suggested answers")

# In the transaction of the decision.
after_decision: Registry[Callable[[ReviewDecision, datetime], None]] = Registry(
    "what follows a decision"
)
