"""The checklist of the demo's use cases: owners, evidence, one waiver."""

from __future__ import annotations

from datetime import datetime, timedelta

from governance.registry import checking
from governance.registry.models import UseCase
from prompts.gateway.demo.people import People

# By key: who answers for it, what shows it in words, and where to look.
DONE = {
    "outcome": ("owner", "Agreed with the head of legal.", ""),
    "concerned": ("owner", "Legal and two engineering teams were asked.", ""),
    "alternatives": ("owner", "A list of known texts finds four in ten.", ""),
    "lawful-basis": ("data_steward", "", "/datasets/"),
    "least-data": ("prompt_engineer", "The licence text alone.", ""),
    "retention": ("data_steward", "Thirty days, as for all internal content.", ""),
    "model": ("ml_engineer", "", "/models/"),
    "terms": ("ml_engineer", "It runs here; no provider sees anything.", ""),
    "fit": ("ml_engineer", "Asynchronous; a licence may take a minute.", ""),
    "oversight": ("safety", "A person of legal sees every answer.", ""),
    "abuse": ("safety", "Texts that ask for another licence were tried.", ""),
    "reviewers": ("safety", "", "/reviews/"),
    "limits": ("owner", "", "/chargeback/budgets/"),
    "fallback": ("owner", "Legal reads by hand.", ""),
    "told": ("owner", "The disclosure stands above each answer.", ""),
}
OWNED = {"injection": "prompt_engineer", "evaluation": "owner", "on-call": "ml_engineer"}
WAIVED = "fairness"


def complete(people: People, use_case: UseCase, now: datetime) -> None:
    """What the pilot needs is done; of what production needs some has its owner."""
    items = {one.key: one for one in use_case.checklist.all()}
    owner = people.actor("owner")
    assign = {key: who for key, (who, _, _) in DONE.items() if who != "owner"} | OWNED
    for key, who in assign.items():
        user = people.users[who]
        checking.assign_item(actor=owner, item_id=items[key].pk, owner=user, now=now)
    for key, (who, note, link) in DONE.items():
        checking.finish_item(
            actor=people.actor(who), item_id=items[key].pk, evidence=note, link=link, now=now
        )


def waive(people: People, use_case: UseCase, now: datetime) -> None:
    """One item waits, with its reason and its day."""
    checking.waive_item(
        actor=people.actor("safety"),
        item_id=use_case.checklist.get(key=WAIVED).pk,
        reason="Licences concern no groups of people; looked at again with the first others.",
        until=now.date() + timedelta(days=90),
        now=now,
    )
