"""Several people score: one round that ended in a consensus, one that waits."""

from __future__ import annotations

from datetime import datetime, timedelta

from governance.registry import rounds
from governance.registry.models import UseCase
from governance.registry.scoring_content import STARTING
from prompts.gateway.demo.people import People

# Impact (value, reach, quality, strategy), then effort (build, data, change, assurance).
OWNER = (4, 3, 4, 3, 2, 1, 3, 3)
SAFETY = (2, 3, 5, 3, 2, 2, 3, 5)
CONSENSUS = (3, 3, 4, 3, 2, 2, 3, 4)
OWNERS_WHY = (
    "Two lawyers lose an hour a day to it.",
    "Legal, and whoever adds a dependency.",
    "Nothing is overlooked at the end of a long day.",
    "Open source is in the strategy, licences are not.",
    "One prompt and one form.",
    "The texts come with the packages.",
    "Legal reads a draft instead of a licence.",
    "Every answer is read before it counts.",
)
SAFETYS_WHY = (
    "The hour is saved only where the answer is right.",
    "The same people as before.",
    "A missed copyleft clause is what really costs.",
    "It fits.",
    "Small.",
    "Some packages ship no text at all.",
    "Readers must learn to doubt a fluent answer.",
    "A lawyer has to check a sample against the full text.",
)
AGREED = (
    "Time saved counts once answers hold: 3. A sample is checked against the full text, so "
    "assurance is 4, not 5. The rest was close."
)


def score_together(people: People, finished: UseCase, waiting: UseCase, now: datetime) -> None:
    """Owner and safety officer on both; the second one waits for the owner."""
    asked = [people.users["owner"], people.users["safety"]]
    lead = people.actor("safety")
    due_on = now.date() + timedelta(days=7)
    done = rounds.open_round(actor=lead, use_case=finished, assessors=asked, due_on=due_on, now=now)
    for role, points, why in (("owner", OWNER, OWNERS_WHY), ("safety", SAFETY, SAFETYS_WHY)):
        _hand_in(people, done.pk, role, points, why, now)
    agreed = dict(zip(STARTING.keys, CONSENSUS, strict=True))
    rounds.agree(actor=lead, round_id=done.pk, points=agreed, rationale=AGREED, now=now)
    open_one = rounds.open_round(
        actor=lead, use_case=waiting, assessors=asked, due_on=due_on, now=now
    )
    _hand_in(people, open_one.pk, "safety", SAFETY, SAFETYS_WHY, now)


def _hand_in(
    people: People,
    round_id: int,
    role: str,
    points: tuple[int, ...],
    why: tuple[str, ...],
    now: datetime,
) -> None:
    rounds.hand_in(
        actor=people.actor(role),
        round_id=round_id,
        points=dict(zip(STARTING.keys, points, strict=True)),
        rationales=dict(zip(STARTING.keys, why, strict=True)),
        now=now,
    )
