"""The end of a month: what to look at first, closing for all teams, re-opening with both seals."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.access.models import Team, User
from governance.approvals.emergencies import ask_emergency
from governance.approvals.models import ChangeRequest
from governance.approvals.services import keep_house
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict, Invalid, NotAllowed, WrongState
from telemetry.chargeback import closing, holds, statements
from telemetry.chargeback.models import ClosingRun, Statement
from telemetry.chargeback.reopening import propose_reopening
from telemetry.chargeback.services import expire_holds
from telemetry.chargeback.verification import verify
from telemetry.ledger.models import LedgerEntry
from telemetry.webhooks.models import WebhookDelivery
from telemetry.webhooks.services import create_endpoint
from tests.factories.chargeback import make_budget, make_paid_call
from tests.factories.emergencies import WHY, make_full_board, speak_for
from tests.factories.ledger import NOW, make_call, make_person, make_team, make_use_case

pytestmark = pytest.mark.django_db
OCTOBER = date(2026, 10, 1)
IN_OCTOBER = datetime(2026, 10, 20, 12, tzinfo=UTC)


@pytest.fixture
def finance() -> Actor:
    return Actor.person(make_person("finance"))


def spend(team: str, amount: str = "0.5", now: datetime = IN_OCTOBER) -> Team:
    use_case = make_use_case(make_team(team))
    make_budget(use_case.team, starts_on=now.date().replace(day=1))
    make_paid_call(use_case, amount=amount, now=now)
    return use_case.team


def ask(finance: Actor, **changes: object) -> ClosingRun:
    facts = {"confirm": "2026-10", "total": "0.75", "acknowledged": False} | changes
    return closing.request_closing(actor=finance, period=OCTOBER, now=NOW, **facts)  # type: ignore[arg-type]  # as typed


def test_all_teams_are_closed_with_the_totals_that_were_confirmed(finance: Actor) -> None:
    spend("legal", "0.5")
    spend("support", "0.25")
    assert closing.begin_closing_all(actor=finance, period=OCTOBER, now=NOW) == 2
    run = ask(finance)
    done = closing.run_closing(run_id=run.pk, now=NOW)
    assert done and (done.state, done.done, done.failures) == ("finished", 2, {})
    closed = Statement.objects.filter(state="closed").order_by("total")
    assert [one.total for one in closed] == [Decimal("0.25"), Decimal("0.5")]
    assert closing.run_closing(run_id=run.pk, now=NOW) is None
    assert AuditEvent.objects.filter(action="statement.closed").count() == 2
    assert AuditEvent.objects.get(action="closing_run.requested").after["teams"] == 2
    assert verify() == []


def test_webhooks_of_the_team_hear_that_its_month_is_closed(finance: Actor) -> None:
    legal, support = spend("legal", "0.5"), spend("support", "0.25")
    for team in (legal, support):
        create_endpoint(
            actor=Actor.person(make_person("owner", team)),
            use_case=team.use_cases.get(),
            url="https://receiver.example/",
            events=["statement.closed"],
            now=NOW,
        )
    closed = closed_by(finance, legal, NOW)
    (delivery,) = WebhookDelivery.objects.all()
    assert (delivery.endpoint.team, delivery.kind) == (legal, "statement.closed")
    told = delivery.body["data"]
    assert (told["total"], told["sha256"]) == ("0.500000000", closed.sha256)


def test_a_run_that_was_cut_off_goes_on(finance: Actor) -> None:
    spend("legal", "0.5")
    spend("support", "0.25")
    closing.begin_closing_all(actor=finance, period=OCTOBER, now=NOW)
    run = ask(finance)
    first = Statement.objects.order_by("pk")[0]
    statements.close_statement(actor=finance, statement_id=first.pk, now=NOW)
    ClosingRun.objects.update(state="running")
    assert closing.unfinished_runs(NOW) == []
    assert closing.unfinished_runs(NOW + timedelta(minutes=3)) == [run.pk]
    done = closing.run_closing(run_id=run.pk, now=NOW)
    assert done and (done.state, done.failures) == ("finished", {})
    assert Statement.objects.filter(state="closed").count() == 2


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"confirm": "2026-11"}, Invalid),
        ({"total": "0.74"}, Conflict),
        ({"total": "many"}, Conflict),
    ],
)
def test_closing_is_confirmed_by_name_and_total(
    finance: Actor, changes: dict[str, str], error: type[Exception]
) -> None:
    spend("legal", "0.75")
    with pytest.raises(WrongState):
        ask(finance)
    closing.begin_closing_all(actor=finance, period=OCTOBER, now=NOW)
    with pytest.raises(error):
        ask(finance, **changes)
    ask(finance)
    with pytest.raises(WrongState):
        ask(finance)


def test_only_finance_closes(finance: Actor) -> None:
    spend("legal")
    board = Actor.person(make_person("board"))
    with pytest.raises(NotAllowed):
        closing.begin_closing_all(actor=board, period=OCTOBER, now=NOW)
    with pytest.raises(NotAllowed):
        ask(board)


def test_what_is_booked_after_the_confirmation_keeps_its_team_open(finance: Actor) -> None:
    team = spend("legal", "0.5")
    spend("support", "0.25")
    closing.begin_closing_all(actor=finance, period=OCTOBER, now=NOW)
    run = ask(finance)
    make_paid_call(team.use_cases.get(), amount="0.1", now=IN_OCTOBER)
    done = closing.run_closing(run_id=run.pk, now=NOW)
    assert done and done.state == "finished"
    (why,) = done.failures.values()
    assert "+0.100000000 USD was booked" in why
    assert Statement.objects.get(team=team).state == "closing"


def test_what_is_open_is_listed_and_must_be_acknowledged(finance: Actor) -> None:
    team = spend("legal", "0.75")
    lost = make_call(team.use_cases.get(), now=IN_OCTOBER)
    holds.reserve(call=lost, attempt=1, amount=Decimal("2"), currency="USD", now=IN_OCTOBER)
    expire_holds(now=NOW)
    closing.begin_closing_all(actor=finance, period=OCTOBER, now=NOW)
    assert finance.user is not None
    (row,) = closing.closing_month(finance.user, OCTOBER, NOW).rows
    found = {one.label: (one.count, one.amount, one.warns) for one in row.findings}
    assert found["Holds in suspense"] == (1, Decimal(2), True)
    assert found["Calls not settled"] == (1, None, True)
    with pytest.raises(Invalid) as refused:
        ask(finance)
    assert "acknowledged" in refused.value.fields
    ask(finance, acknowledged=True)


def test_late_entries_are_told_and_do_not_warn(finance: Actor) -> None:
    team = spend("legal", "0.5")
    begun = statements.begin_closing(actor=finance, team=team, period=OCTOBER, now=NOW)
    statements.close_statement(actor=finance, statement_id=begun.pk, now=NOW)
    make_paid_call(team.use_cases.get(), amount="0.1", now=IN_OCTOBER)
    assert finance.user is not None
    (october,) = closing.closing_month(finance.user, OCTOBER, NOW).rows
    (november,) = closing.closing_month(finance.user, date(2026, 11, 1), NOW).rows
    assert [one.label for one in october.findings] == ["Booked to a later month"]
    assert [(one.label, one.amount, one.warns) for one in november.findings] == [
        ("Late entries", Decimal("0.1"), False)
    ]


def test_many_teams_ask_no_more_queries(finance: Actor) -> None:
    assert finance.user is not None
    counts = []
    for name in ("legal", "support", "sales"):
        spend(name)
        with CaptureQueriesContext(connection) as captured:
            closing.closing_month(User.objects.get(pk=finance.user.pk), OCTOBER, NOW)
        counts.append(len(captured))
    assert counts[0] == counts[-1]


def closed_by(finance: Actor, team: Team, now: datetime | None = None) -> Statement:
    now = now or timezone.now()
    begun = statements.begin_closing(actor=finance, team=team, period=OCTOBER, now=now)
    return statements.close_statement(actor=finance, statement_id=begun.pk, now=now)


def let_in(board: object, change: ChangeRequest, asks: Actor) -> None:
    ask_emergency(actor=asks, change_id=change.pk, why_now=WHY, now=timezone.now())
    for name in ("board 2", "board 3"):
        speak_for(change, board.people[name])  # type: ignore[attr-defined]  # a Board
    assert change.state == "provisional"


def test_reopening_is_an_emergency_and_both_seals_stay() -> None:
    board = make_full_board()
    closer, asks = Actor.person(make_person("finance")), board.actor("finance")
    team = spend("legal", "0.5")
    first = closed_by(closer, team)
    change = propose_reopening(actor=asks, statement=first, reason="Wrong.", now=timezone.now())
    let_in(board, change, asks)
    statement = Statement.objects.get()
    assert (statement.state, statement.sha256) == ("open", "")
    make_paid_call(team.use_cases.get(), amount="0.2", now=IN_OCTOBER)
    assert LedgerEntry.objects.filter(period=OCTOBER).count() == 2
    second = closed_by(closer, team)
    assert [(one.number, one.total) for one in second.versions.order_by("number")] == [
        (1, Decimal("0.5")),
        (2, Decimal("0.7")),
    ]
    assert second.versions.get(number=1).sha256 == first.sha256 != second.sha256
    assert AuditEvent.objects.filter(action="statement.unsealed").count() == 1
    assert verify() == []
    client = Client()
    client.force_login(User.objects.get(pk=board.people["finance"].pk))
    shown = client.get(f"/month-end/seals/{second.versions.get(number=1).pk}/").content.decode()
    assert first.sha256 in shown
    assert "the SHA-256 is the same" in shown


def test_a_reopening_that_nobody_ratifies_is_closed_again() -> None:
    board = make_full_board()
    closer, asks = Actor.person(make_person("finance")), board.actor("finance")
    first = closed_by(closer, spend("legal", "0.5"))
    change = propose_reopening(actor=asks, statement=first, reason="Wrong.", now=timezone.now())
    let_in(board, change, asks)
    change.refresh_from_db()
    keep_house(now=change.emergency.ratify_by)
    change.refresh_from_db()
    again = Statement.objects.get()
    assert (change.state, again.state, again.sha256) == ("reverted", "closed", first.sha256)
    assert again.versions.count() == 2
    assert verify() == []


def test_the_database_opens_a_closed_month_only_under_its_change(finance: Actor) -> None:
    closed_by(finance, spend("legal"), NOW)
    sql = "UPDATE chargeback_statement SET state = 'open', sha256 = '', total = 0"
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE chargeback_statementversion SET total = 1")


def test_the_pages_lead_finance_through_the_month() -> None:
    person = make_person("finance")
    month = (timezone.now().date().replace(day=1) - timedelta(days=1)).replace(day=1)
    spend("legal", "0.5", timezone.now().replace(year=month.year, month=month.month, day=5))
    client = Client()
    client.force_login(person)
    path = f"/month-end/{month:%Y-%m}/"
    assert f"{month:%B %Y}" in client.get("/month-end/").content.decode()
    assert client.post(f"{path}begin/").status_code == 302
    shown = client.get(path).content.decode()
    assert 'value="0.500000000"' in shown
    wrong = client.post(f"{path}close/", {"confirm": "yes", "total": "0.500000000"})
    assert wrong.status_code == 400
    assert 'value="yes"' in wrong.content.decode()
    sent = client.post(f"{path}close/", {"confirm": f"{month:%Y-%m}", "total": "0.500000000"})
    assert sent.status_code == 302
    run = ClosingRun.objects.get()
    closing.run_closing(run_id=run.pk, now=timezone.now())
    assert "Every team is closed" in client.get(sent.url).content.decode()  # type: ignore[attr-defined]  # a redirect
    seen = client.get(f"/chargeback/legal/{month:%Y-%m}/").content.decode()
    assert "Open this month again" in seen
    stranger = Client()
    stranger.force_login(make_person("board"))
    assert stranger.get(path).status_code == 403


def test_the_month_is_closed_over_the_api() -> None:
    month = (timezone.now().date().replace(day=1) - timedelta(days=1)).replace(day=1)
    spend("legal", "0.5", timezone.now().replace(year=month.year, month=month.month, day=5))
    client = Client()
    client.force_login(make_person("finance"))
    name = f"{month:%Y-%m}"
    begun = client.post("/api/v1/month-end/begin/", {"month": name}, "application/json").json()
    assert (begun["rows"][0]["state"], begun["total_to_close"]) == ("closing", "0.500000000")
    facts = {"month": name, "confirm": name, "total": begun["total_to_close"]}
    asked = client.post("/api/v1/month-end/close/", facts, "application/json")
    assert asked.status_code == 202
    closing.run_closing(run_id=asked.json()["id"], now=timezone.now())
    run = client.get(f"/api/v1/month-end/runs/{asked.json()['id']}/").json()
    assert (run["state"], run["done"], run["teams"]) == ("finished", 1, 1)
    statement = Statement.objects.get()
    seals = client.get(f"/api/v1/statements/{statement.pk}/seals/").json()["results"]
    assert [one["sha256"] for one in seals] == [statement.sha256]
    assert client.get("/api/v1/month-end/?month=2026-13").status_code == 400
