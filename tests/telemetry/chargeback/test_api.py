"""Budgets, statements and ledger entries over the API; evidence for the audit pack."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from governance.access.models import User
from governance.approvals.models import ChangeRequest
from governance.approvals.services import decide, install_starting_policies
from governance.audit.registries import PackScope, evidence_sections
from governance.kernel.authority import Actor
from telemetry.chargeback.rules import month_of, previous_month
from telemetry.chargeback.subjects import propose_limit
from tests.factories.chargeback import make_budget, make_paid_call
from tests.factories.ledger import make_person, make_team, make_use_case

pytestmark = pytest.mark.django_db


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_month_is_closed_and_its_entries_are_listed() -> None:
    month = previous_month(month_of(timezone.now().date()))
    booked = timezone.now().replace(year=month.year, month=month.month, day=5)
    use_case = make_use_case(make_team("legal"))
    make_budget(use_case.team, starts_on=month)
    make_paid_call(use_case, now=booked)
    client = signed_in(make_person("finance"))
    begun = client.post(
        "/api/v1/statements/begin-closing/",
        {"team": "legal", "period": month.isoformat()},
        "application/json",
    )
    assert begun.status_code == 201
    closed = client.post(f"/api/v1/statements/{begun.json()['id']}/close/").json()
    assert (closed["state"], closed["total"]) == ("closed", "0.500000000")
    assert len(client.get("/api/v1/statements/").json()["results"]) == 1
    entries = client.get("/api/v1/ledger/?team=legal&source=live").json()["results"]
    assert [one["amount"] for one in entries] == ["0.500000000"]
    assert client.get("/api/v1/ledger/?team=support").json()["results"] == []
    board = signed_in(make_person("board"))
    assert board.post(f"/api/v1/statements/{closed['id']}/close/").status_code == 403


def test_a_signed_budget_change_sets_the_limit() -> None:
    now = timezone.now()
    install_starting_policies(actor=Actor.system("test"), now=now)
    budget = make_budget(make_team("legal"), "10")
    finance, owner = make_person("finance"), make_person("owner", budget.team)
    asked = {"limit": "12.00", "reason": "A third more reviews."}
    opened = signed_in(owner).post(
        f"/api/v1/budgets/{budget.pk}/propose/", asked, "application/json"
    )
    assert opened.status_code == 201
    change = ChangeRequest.objects.get(pk=opened.json()["change_request"])
    decide(
        actor=Actor.person(finance),
        change_id=change.pk,
        outcome="approve",
        rationale="Agreed with the plan.",
        digest_seen=change.digest,
        now=now,
    )
    budget.refresh_from_db()
    assert (budget.limit, budget.version) == (12, 2)


def test_a_raise_by_more_than_half_is_for_the_board_too() -> None:
    now = timezone.now()
    install_starting_policies(actor=Actor.system("test"), now=now)
    make_person("finance")
    make_person("board")
    budget = make_budget(make_team("legal"), "10")
    owner = Actor.person(make_person("owner", budget.team))
    change = propose_limit(actor=owner, budget=budget, limit=Decimal(16), reason="Growth", now=now)
    assert (change.tier, change.slots.count()) == ("limited", 2)


@pytest.mark.parametrize("name", ["calls", "ledger", "statements", "budgets"])
def test_evidence_has_exactly_its_columns(name: str) -> None:
    now = timezone.now()
    use_case = make_use_case()
    make_budget(use_case.team, starts_on=month_of(now.date()))
    make_paid_call(use_case, now=now)
    scope = PackScope(now - timedelta(days=1), now + timedelta(days=1), use_case.team_id)
    section = evidence_sections[name]
    rows = list(section.rows(scope))
    assert len(rows) == (0 if name == "statements" else 1)
    assert all(tuple(row) == section.columns for row in rows)
    elsewhere = PackScope(scope.starts_at, scope.ends_at, make_team("other").pk)
    assert list(section.rows(elsewhere)) == []
