"""What governs people in the demo: trainings that are required, a vendor, a policy to acknowledge."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from governance.access.models import Training
from governance.access.starting_trainings import STARTING_TRAININGS
from governance.access.training import install_starting_trainings, record_training
from governance.approvals.models import ChangeRequest
from governance.approvals.training_subject import propose_requirement
from governance.compliance.library import acknowledge, propose_version, start_document
from governance.kernel.authority import Actor
from governance.model_cards.vendors import create_vendor, propose_vendor
from prompts.gateway.demo.people import People

Sign = Callable[[People, ChangeRequest, datetime], None]

# Soon to run out: the register and “My work” have something to say.
ENDS_SOON = ("finance", "ai-literacy", 12)
HAVE_NOT_READ = ("finance", "prompt_engineer")
EXAMPLE = "Invented for the demo organisation."

ACCEPTABLE_USE = """\
Language models help us to read, draft and sort. They do not decide, and they are often wrong in
a way that reads well. These rules hold for everybody who uses one here.

## What you may do

- Use the models that stand in the register, for a use case that is approved, through Placet.
- Send what the use case is approved for, and nothing more sensitive than that.
- Take an answer as a draft. Who passes it on answers for it as for their own words.

## What you may not do

- Put personal data, secrets or a customer's papers into a model outside an approved use case.
- Use a private account of a model provider for our work.
- Let an answer decide about a person. A person decides, and can say why.
- Hide that a model wrote something from whoever relies on it.

## When something is wrong

Say so at once under “Incidents”, also if you are not sure. Nobody is blamed for asking early.
Who keeps to these rules and still gets a wrong answer has done nothing wrong; who hides it has.
"""


def govern(people: People, now: datetime, sign: Sign) -> None:
    """All of it through the services, signed as everything else."""
    _trainings(people, now, sign)
    _vendor(people, now, sign)
    _policy(people, now, sign)


def _trainings(people: People, now: datetime, sign: Sign) -> None:
    install_starting_trainings(actor=Actor.system("demo"), now=now)
    trainings = {one.code: one for one in Training.objects.all()}
    for starting in STARTING_TRAININGS:
        training = trainings[starting.code]
        for role in starting.suits:
            _record(people, training, role, now)
        change = propose_requirement(
            actor=people.actor("compliance"),
            training=training,
            proposal={"roles": list(starting.suits), "validity_days": training.validity_days},
            reason="Who signs or reviews shall know what they sign and review.",
            now=now,
        )
        sign(people, change, now)


def _record(people: People, training: Training, role: str, now: datetime) -> None:
    ends_soon = (role, training.code) == ENDS_SOON[:2]
    days_ago = training.validity_days - ENDS_SOON[2] if ends_soon else 30
    record_training(
        actor=people.actor("compliance" if role == "administrator" else "administrator"),
        person=people.users[role],
        training=training,
        completed_on=now.date() - timedelta(days=days_ago),
        evidence="Attendance list of the demo organisation",
        now=now,
    )


def _vendor(people: People, now: datetime, sign: Sign) -> None:
    today = now.date()
    vendor = create_vendor(
        actor=people.actor("ml_engineer"),
        name="Example Cloud Models",
        terms_link="https://terms.example/models",
        terms_version="October 2026",
        regions=["European Union"],
        sub_processors=["Example Hosting", "Example Support"],
        trains_on_data="no",
        data_use_clause=f"Content is kept for 30 days against abuse and not trained on. {EXAMPLE}",
        contract_from=today - timedelta(days=200),
        contract_until=today + timedelta(days=530),
        reviewed_on=today - timedelta(days=20),
        review_due=today + timedelta(days=160),
        owner=people.users["compliance"],
        now=now,
    )
    change = propose_vendor(
        actor=people.actor("ml_engineer"),
        vendor=vendor,
        reason="We want to try a hosted model; its terms were read.",
        now=now,
    )
    sign(people, change, now)


def _policy(people: People, now: datetime, sign: Sign) -> None:
    writer = people.actor("compliance")
    document = start_document(
        actor=writer, title="Acceptable use of language models", slug="acceptable-use", now=now
    )
    change = propose_version(
        actor=writer,
        document=document,
        proposal={
            "body": ACCEPTABLE_USE,
            "roles": list(people.users),
            "effective_from": now.date().isoformat(),
        },
        reason="Everybody shall know what is expected before the pilot.",
        now=now,
    )
    sign(people, change, now)
    for role in people.users:
        if role not in HAVE_NOT_READ:
            acknowledge(actor=people.actor(role), document_id=document.pk, number=1, now=now)
