"""What the demo's use cases show their users, are worth, and do against their risks."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from governance.approvals.models import ChangeRequest
from governance.registry import disclosures, measuring, metrics, mitigations, worth
from governance.registry.models import Disclosure, UseCase
from prompts.gateway.demo.people import People

# Risk, measure, who owns it, and in how many days it is due.
MEASURES = (
    (
        "A customer is told something false about a refund",
        "Answers about money wait for a person of the support team",
        "owner",
        14,
    ),
    (
        "A complaint about harm is answered as small talk",
        "A screen sends words of injury and danger to the safety officer",
        "safety",
        30,
    ),
    (
        "Nobody notices that answers grow worse",
        "Fifty answers of each week are read again by the review lead",
        "owner",
        45,
    ),
)


def propose_notice(people: People, use_case: UseCase, now: datetime) -> ChangeRequest:
    """What the readers of its answers are told."""
    return disclosures.propose_disclosure(
        actor=people.actor("owner"),
        use_case=use_case,
        language="en",
        text=use_case.disclosure_text,
        place="Above every answer in the dependency intake",
        effective_from=None,
        reason="Readers must know that a model wrote this.",
        now=now,
    )


def value(people: People, licence: UseCase, code: UseCase, now: datetime) -> None:
    """The application shows its notice, a metric has its worth, and the ledger measures."""
    for notice in Disclosure.objects.filter(use_case=licence, state="approved"):
        disclosures.note_fetch(notice, now)
    worth.declare_worth(
        actor=people.actor("owner"),
        metric=licence.metrics.get(),
        amount=Decimal("0.90"),
        per="call",
        rationale="A minute of the legal team, as finance books it",
        now=now,
    )
    metrics.add_metric(
        actor=people.actor("owner"),
        use_case=code,
        name="",
        unit="",
        baseline=None,
        target=Decimal(20),
        ledger_figure="cost_per_month",
        now=now,
    )
    measuring.measure_from_ledger(now=now)


def guard(people: People, use_case: UseCase, now: datetime) -> None:
    """Measures against the risks of a use case, each with its owner and day."""
    for risk, measure, owner, days in MEASURES:
        mitigations.add_mitigation(
            actor=people.actor("safety"),
            use_case=use_case,
            risk=risk,
            measure=measure,
            owner=people.users[owner],
            due_on=now.date() + timedelta(days=days),
            now=now,
        )
