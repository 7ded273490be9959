"""Rules are signed, tried out, booked once a month, taken back, and explained on statements."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from governance.access.models import Team, User
from governance.approvals.models import ChangeRequest
from governance.approvals.services import decide, install_starting_policies
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from reviews.decisions.figures import review_hours
from telemetry.allocation import selectors, services
from telemetry.allocation.content import read_content
from telemetry.allocation.hooks import calls_of, not_run
from telemetry.allocation.models import AllocationRule, AllocationVersion
from telemetry.chargeback import statements
from telemetry.chargeback.verification import verify
from telemetry.ledger.models import LedgerEntry
from tests.factories.allocation import last_month, make_rule
from tests.factories.chargeback import make_budget, make_paid_call
from tests.factories.ledger import NOW, make_person, make_team, make_use_case

pytestmark = pytest.mark.django_db
OCTOBER = date(2026, 10, 1)
IN_OCTOBER = datetime(2026, 10, 20, 12, tzinfo=UTC)


@pytest.fixture
def finance() -> Actor:
    return Actor.person(make_person("finance"))


def spend(team: str, amount: str = "1", now: datetime = IN_OCTOBER) -> Team:
    use_case = make_use_case(make_team(team))
    make_budget(use_case.team, starts_on=now.date().replace(day=1))
    make_paid_call(use_case, amount=amount, now=now)
    return use_case.team


def book(finance: Actor, rule: AllocationRule) -> dict[str, Decimal]:
    services.book(actor=finance, rule_id=rule.pk, period=OCTOBER, now=NOW)
    lines = LedgerEntry.objects.filter(kind="allocation", corrects=None)
    return dict(lines.values_list("team__slug", "amount"))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"method": "cost"}, {"legal": "66.67", "support": "33.33"}),
        ({"method": "calls"}, {"legal": "50.00", "support": "50.00"}),
        ({"method": "tokens"}, {"legal": "50.00", "support": "50.00"}),
        ({"method": "equal"}, {"legal": "50.00", "support": "50.00"}),
        ({"method": "equal", "figures": {"sales": 1, "legal": 1}}, {"legal": "50", "sales": "50"}),
        (
            {"method": "fixed", "figures": {"sales": "33.5", "legal": "66.5"}},
            {"legal": "66.50", "sales": "33.50"},
        ),
        (
            {"method": "measure", "figures": {"sales": 7, "legal": 1}},
            {"legal": "12.5", "sales": "87.5"},
        ),
        (
            {"method": "cost", "source": "calls", "rate": "0.05", "amount": 0},
            {"legal": "0.07", "support": "0.03"},
        ),
    ],
)
def test_a_pool_is_split_and_booked_as_its_rule_says(
    finance: Actor, facts: dict[str, Any], expected: dict[str, str]
) -> None:
    spend("legal", "1")
    spend("support", "0.5")
    make_team("sales")
    booked = book(finance, make_rule(**facts))
    assert booked == {slug: Decimal(amount) for slug, amount in expected.items()}
    assert LedgerEntry.objects.filter(kind="allocation").exclude(period=OCTOBER).count() == 0
    assert verify() == []


def test_it_is_booked_once_reversed_and_booked_again(finance: Actor) -> None:
    team = spend("legal", "1")
    rule = make_rule()
    book(finance, rule)
    with pytest.raises(WrongState, match="booked for October 2026 already"):
        book(finance, rule)
    make_paid_call(make_use_case(spend("support", "1")), amount="2", now=IN_OCTOBER)
    (found,) = not_run(OCTOBER, NOW)
    assert "older figures" in found.label
    facts: dict[str, Any] = {"actor": finance, "rule_id": rule.pk, "period": OCTOBER, "now": NOW}
    with pytest.raises(Invalid):
        services.reverse(**facts, reason=" ")
    services.reverse(**facts, reason="Late calls")
    services.book(**facts)
    assert not_run(OCTOBER, NOW) == []
    lines = LedgerEntry.objects.filter(kind="allocation")
    assert sum(lines.filter(team=team).values_list("amount", flat=True)) == Decimal("25.00")
    assert sum(lines.values_list("amount", flat=True)) == Decimal(100)
    reversal = lines.get(corrects__isnull=False)
    assert (reversal.amount, reversal.corrects.amount) == (Decimal(-100), Decimal(100))  # type: ignore[union-attr]  # it has one
    assert rule.runs.filter(state="booked").count() == 1
    assert AuditEvent.objects.filter(action="allocation.reversed").count() == 1
    assert verify() == []


def test_nothing_is_booked_to_a_closed_month_or_taken_back_from_it(finance: Actor) -> None:
    team = spend("legal", "1")
    rule, other = make_rule(), make_rule("Hosting")
    book(finance, rule)
    begun = statements.begin_closing(actor=finance, team=team, period=OCTOBER, now=NOW)
    statements.close_statement(actor=finance, statement_id=begun.pk, now=NOW)
    with pytest.raises(WrongState, match="closed for Legal"):
        book(finance, other)
    facts: dict[str, Any] = {"actor": finance, "rule_id": rule.pk, "period": OCTOBER, "now": NOW}
    with pytest.raises(WrongState, match="closed for Legal"):
        services.reverse(**facts, reason="Late calls")


def test_what_cannot_be_booked_says_why(finance: Actor) -> None:
    rule = make_rule()
    with pytest.raises(WrongState, match="no usage in October"):
        book(finance, rule)
    ended = make_rule("Ended", ends_on="2026-03", method="equal")
    with pytest.raises(WrongState, match="does not hold in October"):
        book(finance, ended)
    with pytest.raises(WrongState, match="has not ended"):
        services.book(actor=finance, rule_id=rule.pk, period=date(2026, 11, 1), now=NOW)
    with pytest.raises(NotAllowed):
        services.book(
            actor=Actor.person(make_person("board")), rule_id=rule.pk, period=OCTOBER, now=NOW
        )


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"method": "fixed", "figures": {"legal": 60, "support": 30}}, "figures"),
        ({"method": "fixed", "figures": {"nobody": 100}}, "figures"),
        ({"method": "measure", "figures": {}}, "figures"),
        ({"method": "dice"}, "method"),
        ({"amount": "0"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"source": "moon", "rate": "1"}, "source"),
        ({"starts_on": "soon"}, "starts_on"),
        ({"ends_on": "2025-12"}, "ends_on"),
    ],
)
def test_what_a_rule_may_say(facts: dict[str, Any], field: str) -> None:
    make_team("legal"), make_team("support")
    given = {"starts_on": "2026-01", "amount": "100", "method": "cost"} | facts
    with pytest.raises(Invalid) as refused:
        read_content(given)
    assert list(refused.value.fields) == [field]


def test_a_simulation_writes_nothing_and_shows_the_difference(finance: Actor) -> None:
    spend("legal", "1")
    spend("legal", "1", datetime(2026, 9, 5, tzinfo=UTC))
    rule = make_rule()
    services.book(actor=finance, rule_id=rule.pk, period=date(2026, 9, 1), now=NOW)
    entries = LedgerEntry.objects.count()
    content = read_content({"starts_on": "2026-10", "amount": "130", "method": "cost"})
    (part,) = selectors.preview(content, OCTOBER, rule).parts
    assert (part.amount, part.before, part.difference) == (Decimal(130), Decimal(100), Decimal(30))
    assert LedgerEntry.objects.count() == entries


def test_the_database_takes_a_version_only_under_its_change() -> None:
    rule = make_rule()
    version = rule.versions.get()
    with pytest.raises(DatabaseError), transaction.atomic():
        AllocationVersion.objects.create(
            rule=rule,
            number=2,
            change=version.change,
            starts_on=OCTOBER,
            amount=Decimal(101),
            rate=0,
            currency="USD",
            method="cost",
            made_at=NOW,
        )
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE allocation_allocationversion SET amount = 1")


def test_sources_measure_the_month() -> None:
    spend("legal")
    assert calls_of(OCTOBER) == 1
    assert calls_of(date(2026, 9, 1)) == 0
    assert review_hours(OCTOBER) == 0


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_finance_simulates_proposes_books_and_the_statement_explains() -> None:
    now = timezone.now()
    install_starting_policies(actor=Actor.system("tests"), now=now)
    month = last_month(now.date())
    spend("legal", "1", datetime(month.year, month.month, 5, tzinfo=UTC))
    person, other = make_person("finance"), make_person("board")
    client = signed_in(person)
    form = {
        "title": "Platform fee",
        "starts_on": f"{month:%Y-%m}",
        "amount": "250",
        "method": "cost",
        "reason": "The platform costs this.",
    }
    simulated = client.post("/allocation/new/", form | {"action": "simulate"}).content.decode()
    assert "250.00 USD" in simulated
    assert not AllocationRule.objects.exists()
    wrong = client.post("/allocation/new/", form | {"method": "fixed", "figures": "legal = 90"})
    assert wrong.status_code == 422
    assert "add up to 90 %" in wrong.content.decode()
    assert client.post("/allocation/new/", form | {"action": "propose"}).status_code == 302
    change = ChangeRequest.objects.get(kind="allocation_rule")
    actor = Actor.person(other)
    decide(
        actor=actor,
        change_id=change.pk,
        outcome="approve",
        rationale="Fair.",
        digest_seen=change.digest,
        now=now,
    )
    assert AllocationVersion.objects.count() == 1
    path = f"/allocation/rules/platform-fee/{month:%Y-%m}/"
    assert "Not booked yet" in client.get(path).content.decode()
    assert client.post(f"{path}book/", {"action": "book"}).status_code == 302
    assert "Reverse" in client.get(path).content.decode()
    shown = client.get(f"/chargeback/legal/{month:%Y-%m}/").content.decode()
    assert "Platform fee, version 1" in shown
    assert "250.000000000 USD" in shown
    for page in ("/allocation/", "/allocation/rules/platform-fee/"):
        assert "Platform fee" in client.get(page).content.decode()
    assert client.post(f"{path}book/", {"action": "reverse", "reason": ""}).status_code == 400
    assert client.post(f"{path}book/", {"action": "reverse", "reason": "x"}).status_code == 302
    owner = signed_in(make_person("owner", make_team("legal")))
    assert owner.get(path).status_code == 403


def test_rules_over_the_api() -> None:
    now = timezone.now()
    install_starting_policies(actor=Actor.system("tests"), now=now)
    month = last_month(now.date())
    spend("legal", "1", datetime(month.year, month.month, 5, tzinfo=UTC))
    make_person("board")
    client = signed_in(make_person("finance"))
    content = {"starts_on": "2026-01-01", "amount": "10", "method": "cost"}
    path, name = "/api/v1/allocation-rules/", f"{month:%Y-%m}"
    tried = client.post(f"{path}simulate/", content | {"month": name}, "application/json").json()
    assert [(one["team"], one["amount"]) for one in tried["parts"]] == [("legal", "10.000000000")]
    asked = content | {"title": "Hosting", "reason": "It costs this."}
    assert client.post(path, asked, "application/json").status_code == 201
    make_rule("Fee", amount="10")
    booked = client.post(f"{path}fee/book/", {"month": name}, "application/json")
    assert (booked.status_code, booked.json()["parts"][0]["amount"]) == (201, "10.000000000")
    again = client.post(f"{path}fee/book/", {"month": name}, "application/json")
    assert again.status_code == 409
    taken = {"month": name, "reason": "Wrong."}
    reversed_ = client.post(f"{path}fee/reverse/", taken, "application/json").json()
    assert reversed_["state"] == "reversed"
    assert len(client.get(path).json()["results"]) == 2
