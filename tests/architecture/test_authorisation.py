"""The authorisation table: every address × every role, in its own scope and in a stranger's.

Rows come from the URLconf and columns from the roles, so a new address or role is in the table
without a line here; an address whose parameter names a new kind of thing fails until `Things`
knows one of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from governance.access import services as access
from governance.access.models import ApiKey, Grant, Team, User
from governance.approvals.models import ChangeRequest
from governance.audit.models import AuditEvent
from governance.audit.packs import request_pack
from governance.audit.services import sequence
from governance.incidents import services as incidents
from governance.kernel.authority import ROLES, Actor, Permission
from governance.kernel.web import PUBLIC, SIGNED_IN
from governance.model_cards.models import Deployment, ModelCard
from governance.registry.models import ChecklistItem, SuccessMetric, UseCase
from prompts.catalogue.models import Prompt
from prompts.gateway import pipeline
from prompts.gateway.context import GovernedRequest
from prompts.releases.models import Release
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.services import create_queue
from telemetry.alerts.services import raise_alert
from telemetry.chargeback.models import Budget
from telemetry.chargeback.statements import begin_closing
from telemetry.ledger.models import Call
from tests.factories.organisation import World, provider, world

pytestmark = pytest.mark.django_db

SCOPED = [code for code, role in ROLES.items() if role.granted_on != "organisation"]
PERSONAS = [*ROLES, *(f"{code} elsewhere" for code in SCOPED), "nobody"]
REFUSED = {403, 404}
# What a person may see does not follow from the address alone: the row asks again.
ASKS_THE_ROW = ("changes/", "api/v1/change-requests/", "reviews/items/")
# Signing out, and the pages of the library for signing in.
ELSEWHERE = ("accounts/",)
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Address:
    """One line of the URLconf with what it declares."""

    path: str
    rule: Any
    is_api: bool

    def rules(self, method: str) -> tuple[Any, ...]:
        rule = self.rule.get(method) if isinstance(self.rule, dict) else self.rule
        if rule is None:
            return ()
        return rule if isinstance(rule, tuple) else (rule,)

    @property
    def prefix(self) -> str:
        return self.path.split("<")[0]


def _walk(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for one in resolver.url_patterns:
        path = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _walk(one, path)
        else:
            yield path, one


def addresses() -> list[Address]:
    found = []
    for path, pattern in _walk(get_resolver()):
        if path.startswith(ELSEWHERE) or path.startswith("^"):
            continue
        view = pattern.callback
        view_class = getattr(view, "view_class", None)
        rule = getattr(view, "access_rule", None) or getattr(
            view_class, "required_permission", None
        )
        found.append(Address(path, rule, view_class is not None))
    return found


@dataclass
class Things:
    """One of each kind, all of the legal team, by the prefix of the addresses that name it."""

    here: World
    values: dict[tuple[str, str], Any]

    def fill(self, address: Address) -> str:
        return "/" + PARAMETER.sub(lambda hit: str(self._value(address, hit)), address.path)

    def _value(self, address: Address, hit: re.Match[str]) -> Any:
        before = address.path[: hit.start()]
        known = [key for key in self.values if key[1] == hit[1] and before.startswith(key[0])]
        assert known, f"no value for <{hit[1]}> of {address.path}: put one of its kind into Things"
        return self.values[max(known, key=lambda key: len(key[0]))]


@pytest.fixture
def things(settings: Any) -> Things:
    here = world()
    now, people = here.now, here.people
    with provider() as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        text = {"licence_text": "MIT License"}
        request = GovernedRequest(model="licence-review", presented_key=here.key, variables=text)
        reply = pipeline.run(request)
    assert reply.state == "held", reply
    safety, system = people.actor("safety"), Actor.system("tests")
    playbook = incidents.install_starting_playbook(actor=system, now=now)
    incident = incidents.declare(
        actor=safety,
        playbook=playbook,
        title="Wrong licence",
        description="Seen twice.",
        severity="low",
        use_case=here.use_case,
        now=now,
    )
    incidents.move(actor=safety, incident_id=incident.pk, action="confirm", now=now)
    contained = incidents.contain(
        actor=safety,
        incident_id=incident.pk,
        kind="kill_switch",
        target_id=here.use_case.pk,
        reason="Look first.",
        now=now,
    )
    legal = people.teams["legal"]
    alert = raise_alert(cause="t", title="T", severity="warning", now=now, team=legal)
    period = now.date().replace(day=1) - timedelta(days=1)
    statement = begin_closing(
        actor=people.actor("finance"), team=legal, period=period.replace(day=1), now=now
    )
    pack = request_pack(
        actor=people.actor("compliance"), starts_at=now - timedelta(days=1), ends_at=now, now=now
    )
    sequence(now=timezone.now())
    grant = Grant.objects.filter(user=people.users["owner"]).first()
    use_case: UseCase = here.use_case
    step = incident.steps.first()
    assert grant is not None and step is not None
    call = Call.objects.get()
    values: dict[tuple[str, str], Any] = {
        ("api/v1/change-requests/", "pk"): ChangeRequest.objects.filter(state="open").get().pk,
        ("changes/", "pk"): ChangeRequest.objects.filter(state="open").get().pk,
        ("api/v1/audit/", "pk"): AuditEvent.objects.filter(leaf__isnull=False).latest("at").pk,
        ("audit/events/", "pk"): AuditEvent.objects.filter(leaf__isnull=False).latest("at").pk,
        ("audit/packs/", "pk"): pack.pk,
        ("api/v1/audit/packs/", "pk"): pack.pk,
        ("api/v1/use-cases/", "slug"): use_case.slug,
        ("use-cases/", "slug"): use_case.slug,
        ("use-cases/", "step"): "pattern",
        ("use-cases/", "metric"): SuccessMetric.objects.filter(use_case=use_case).get().pk,
        ("use-cases/", "item"): ChecklistItem.objects.filter(use_case=use_case)[0].pk,
        ("api/v1/alerts/", "pk"): alert.pk,
        ("alerts/", "pk"): alert.pk,
        ("api/v1/budgets/", "pk"): Budget.objects.get(team=legal).pk,
        ("chargeback/budgets/", "pk"): Budget.objects.get(team=legal).pk,
        ("api/v1/statements/", "pk"): statement.pk,
        ("chargeback/", "team"): legal.slug,
        ("chargeback/", "month"): f"{statement.period:%Y-%m}",
        ("chargeback/suspense/", "call"): call.pk,
        ("chargeback/suspense/", "attempt"): 1,
        ("api/v1/calls/", "pk"): call.pk,
        ("calls/", "pk"): call.pk,
        ("people/keys/", "pk"): ApiKey.objects.get().pk,
        ("people/", "pk"): people.users["owner"].pk,
        ("people/", "grant"): grant.pk,
        ("models/cards/", "pk"): ModelCard.objects.get(slug="smollm2-135m").pk,
        ("models/deployments/", "slug"): Deployment.objects.get(slug="smollm2-local").slug,
        ("incidents/", "pk"): incident.pk,
        ("incidents/", "step"): step.pk,
        ("incidents/", "containment"): contained.pk,
        ("reviews/items/", "pk"): ReviewItem.objects.get().pk,
        ("reviews/", "slug"): Queue.objects.get().slug,
        ("prompts/", "slug"): Prompt.objects.get().slug,
        ("releases/", "pk"): Release.objects.get().pk,
    }
    return Things(here, values)


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
            names_a_thing = "<" in address.path and not address.path.startswith(ASKS_THE_ROW)
            if status >= 500:
                wrong.append(f"{method} {path}: {status}")
            elif not may_open(user, rules):
                if status not in REFUSED | {405}:
                    wrong.append(f"{method} {path}: {status}, though {name} may not")
            elif names_a_thing and not reaches(user, rules, team, queue):
                # A page that only sends on shows nothing: the page it leads to asks again.
                if status not in REFUSED | {405} and (method, status) != ("GET", 302):
                    wrong.append(f"{method} {path}: {status}, though it is a stranger's")
            elif (
                method == "GET" and status in REFUSED and not address.path.startswith(ASKS_THE_ROW)
            ):
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
