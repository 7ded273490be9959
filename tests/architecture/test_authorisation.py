"""The authorisation table: every address × every role, in its own scope and in a stranger's.

Rows come from the URLconf and columns from the roles, so a new address or role is in the table
without a line here; an address whose parameter names a new kind of thing fails until `Things`
knows one of it.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from governance.access import services as access
from governance.access.models import Grant, Team, User
from governance.kernel.authority import ROLES, Actor, Permission
from governance.kernel.web import PUBLIC, SIGNED_IN
from reviews.queues.models import Queue
from reviews.queues.upkeep import create_queue
from tests.factories.organisation import World
from tests.factories.things import Address, Things, addresses

pytestmark = pytest.mark.django_db

SCOPED = [code for code, role in ROLES.items() if role.granted_on != "organisation"]
PERSONAS = [*ROLES, *(f"{code} elsewhere" for code in SCOPED), "nobody"]
REFUSED = {403, 404}
# What a person may see does not follow from the address alone: the row asks again.
ASKS_THE_ROW = (
    *("changes/", "change-requests/", "approvals/", "conditions/", "delegations/", "audit/packs/"),
    "absences/",
    *("reviews/items/", "review-items/", "incidents/"),
    *("corrections/exports/", "correction-exports/"),
    *("reviews/questions/", "review-questions/"),
    # A lead who judged it does not adjudicate it.
    *("reviews/adjudications/", "adjudications/"),
    *("compliance/actions/", "compliance-actions/", "meetings/"),
    # Only whoever manages all queues makes another.
    "reviews/new/",
    "reviews/intake/",
    "intake-rules/",
    "reviews/feedback/rules/",
    "feedback-rules/",
    # Only a lead of the queue in which it waits takes a second look.
    *("reviews/feedback/<uuid:pk>/confirm/", "feedback/<uuid:pk>/confirm/"),
)
# One for the whole organisation, whoever's team it is.
OF_EVERYBODY = (
    *("datasets/", "playbooks/", "compliance/", "frameworks/"),
    *("policy/rules/", "rule-sets/"),
    *("reviews/intake/", "intake-rules/"),
    *("reviews/feedback/rules/", "feedback-rules/"),
    *("reviews/calendars/", "review-calendars/", "reviews/sla/", "sla-policies/"),
    "review-retimings/",
)


def persona(name: str, here: World) -> User:
    """A person with that role in the world's scope, or only in another, or with none."""
    role, _, elsewhere = name.partition(" ")
    if role in ROLES and not elsewhere:
        user = here.people.users[role]
        user.forget_reaches()
        if ROLES[role].granted_on == "team":
            others = Grant.objects.filter(user=user).exclude(scope_id=here.use_case.team_id)
            others.update(revoked_at=timezone.now())
        return user
    system, now = Actor.system("tests"), timezone.now()
    user = access.create_user(actor=system, email="else@placet.example", name="Else", now=now)
    if elsewhere:
        scope: Any = here.people.teams["support"]
        if ROLES[role].granted_on == "queue":
            scope = create_queue(actor=system, name="Other", slug="other", guideline="?", now=now)
        access.grant_role(actor=system, user=user, role=role, scope=scope, now=now)
        user.forget_reaches()
    return user


def may_open(user: User, rules: tuple[Any, ...]) -> bool:
    if PUBLIC in rules or SIGNED_IN in rules:
        return True
    return any(user.may(Permission(rule)) for rule in rules if rule != "key")


def reaches(user: User, rules: tuple[Any, ...], team: Team, queue: Queue) -> bool:
    """Whether the person's permission reaches the things of the world."""
    if PUBLIC in rules or SIGNED_IN in rules:
        return True
    asked = [Permission(rule) for rule in rules if rule != "key"]
    return any(user.may(one, team) or user.may(one, queue) for one in asked)


def ask(client: Client, method: str, path: str) -> int:
    """The status, with whatever it did taken back."""
    with transaction.atomic():
        send = getattr(client, method.lower())
        response = send(path, **({} if method == "GET" else {"content_type": "application/json"}))
        transaction.set_rollback(True)
    return int(response.status_code)


def methods(address: Address) -> tuple[str, ...]:
    if isinstance(address.rule, dict):
        return tuple(address.rule)
    return ("GET", "POST")


@pytest.mark.parametrize("name", PERSONAS)
def test_what_a_role_opens_and_what_it_does_not(name: str, things: Things) -> None:
    user, client = persona(name, things.here), Client(raise_request_exception=False)
    client.force_login(user)
    team, queue = things.here.use_case.team, Queue.objects.get(slug="licence-answers")
    wrong = []
    for address in addresses():
        path = things.fill(address)
        for method in methods(address):
            status, rules = ask(client, method, path), address.rules(method)
            path_inside = address.path.removeprefix("api/v1/")
            asks_the_row = path_inside.startswith(ASKS_THE_ROW)
            is_somebodys = "<" in path_inside and not path_inside.startswith(OF_EVERYBODY)
            if status >= 500:
                wrong.append(f"{method} {path}: {status}")
            elif not may_open(user, rules):
                if status not in REFUSED | {405}:
                    wrong.append(f"{method} {path}: {status}, though {name} may not")
            elif is_somebodys and not asks_the_row and not reaches(user, rules, team, queue):
                # A page that only sends on shows nothing: the page it leads to asks again.
                if status not in REFUSED | {405} and (method, status) != ("GET", 302):
                    wrong.append(f"{method} {path}: {status}, though it is a stranger's")
            elif method == "GET" and status in REFUSED and not asks_the_row:
                wrong.append(f"{method} {path}: {status}, though {name} may")
    assert wrong == []


def test_who_is_not_signed_in_is_sent_to_sign_in(things: Things) -> None:
    client, wrong = Client(raise_request_exception=False), []
    for address in addresses():
        for method in methods(address):
            if PUBLIC in address.rules(method):
                continue
            status = ask(client, method, things.fill(address))
            expected = {401, 403, 405} if address.is_api else {302}
            if status not in expected:
                wrong.append(f"{method} {address.path}: {status}")
    assert wrong == []


def test_a_key_opens_its_calls_and_nothing_else(things: Things) -> None:
    client = Client(
        raise_request_exception=False, headers={"authorization": f"Bearer {things.here.key}"}
    )
    wrong = []
    for address in addresses():
        if not address.is_api:
            continue
        for method in methods(address):
            rules = address.rules(method)
            status = ask(client, method, things.fill(address))
            if status >= 500 or (
                "key" not in rules and PUBLIC not in rules and status not in {401, 403, 404, 405}
            ):
                wrong.append(f"{method} {address.path}: {status}")
    assert wrong == []
