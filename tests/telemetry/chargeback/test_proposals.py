"""A budget is proposed, signed, and made by the engine; the database refuses any other."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.access.models import Team, User
from governance.approvals.models import ApprovalPolicy, ChangeRequest
from governance.approvals.policies import DECISION_HOURS, STARTING_POLICIES, VALIDITY_DAYS
from governance.approvals.services import decide, install_starting_policies
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from telemetry.chargeback import retiring
from telemetry.chargeback.holds import BudgetExceeded, reserve
from telemetry.chargeback.models import Budget, BudgetProposal
from telemetry.chargeback.proposals import propose_budget
from telemetry.chargeback.renewal import renew_budgets
from telemetry.chargeback.rules import month_of, next_month
from tests.factories.chargeback import limit_change, limit_to, make_budget
from tests.factories.ledger import NOW, make_call, make_person, make_team, make_use_case

pytestmark = pytest.mark.django_db
JSON = "application/json"
MONTH = date(2026, 11, 1)
NEW = "/chargeback/budgets/new/"


@pytest.fixture
def team() -> Team:
    install_starting_policies(actor=Actor.system("test"), now=timezone.now())
    make_person("finance")
    make_person("board")
    return make_team("legal")


def propose(team: Team, person: User | None = None, **facts: Any) -> ChangeRequest:
    return propose_budget(
        actor=Actor.person(person or make_person("owner", team)),
        team=team,
        now=NOW,
        **{"limit": Decimal(5), "starts_on": MONTH, "reason": "The pilot.", **facts},
    )


def sign(change: ChangeRequest) -> None:
    """All who are asked, until it is applied."""
    for slot in change.slots.all():
        decide(
            actor=Actor.person(slot.eligible.all()[0]),
            change_id=change.pk,
            outcome="approve",
            rationale="Agreed with the plan.",
            digest_seen=change.digest,
            now=NOW,
        )


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def hold(call: Any) -> None:
    reserve(call=call, attempt=1, amount=Decimal(1), currency="USD", now=NOW)


def test_a_proposed_budget_lets_no_call_through_and_a_signed_one_does(team: Team) -> None:
    use_case = make_use_case(team)
    change = propose(team, soft_thresholds=[90, 50], renews=False)
    with pytest.raises(BudgetExceeded, match="no budget covers"):
        hold(make_call(use_case))
    sign(change)
    budget = Budget.objects.get()
    assert (budget.limit, budget.starts_on, budget.change) == (5, MONTH, change)
    assert (budget.hard, budget.renews, budget.soft_thresholds) == (True, False, [50, 90])
    assert AuditEvent.objects.get(action="budget.created").reason == "The pilot."
    hold(make_call(use_case))


def test_a_proposed_budget_of_a_use_case_stops_no_call(team: Team) -> None:
    use_case = make_use_case(team)
    make_budget(team)
    propose(team, use_case=use_case, limit=Decimal(0))
    hold(make_call(use_case))


def test_finance_and_the_teams_owner_propose_and_others_do_not(team: Team) -> None:
    for person in (make_person("board"), make_person("owner", make_team("support"))):
        with pytest.raises(NotAllowed):
            propose(team, person)
    finance = make_person("finance")
    change = propose(team, finance)
    asked = set(change.slots.get().eligible.values_list("pk", flat=True))
    assert asked and finance.pk not in asked


def test_what_does_not_fit_is_not_proposed(team: Team) -> None:
    use_case = make_use_case(team)
    for wrong in (
        {"use_case": make_use_case()},
        {"soft_thresholds": [0]},
        {"limit": Decimal(-1)},
        {"limit": Decimal(1000000000)},
        {"reason": " "},
    ):
        with pytest.raises(Invalid):
            propose(team, **({"use_case": use_case} | wrong))
    make_budget(team)
    with pytest.raises(Invalid, match="already"):
        propose(team)
    assert not ChangeRequest.objects.undecided().exists()


def test_two_do_not_wait_for_the_same_month_and_a_withdrawn_one_makes_room(team: Team) -> None:
    first = propose(team)
    with pytest.raises(WrongState, match="undecided"):
        propose(team)
    ChangeRequest.objects.filter(pk=first.pk).update(state="withdrawn")
    assert propose(team).subject_id == first.subject_id


def test_who_signs_depends_on_what_there_was_and_on_the_hard_stop(team: Team) -> None:
    tiers = [propose(team).tier, propose(team, starts_on=date(2027, 1, 1), hard=False).tier]
    use_case = make_use_case(team)
    make_budget(team, "10", starts_on=date(2026, 1, 1), renews=False)
    make_budget(team, "10", use_case, starts_on=date(2026, 1, 1), renews=False)
    for limit in ("15", "15.01"):
        for one in (use_case, None):
            month = date(2026, 3, 1) if limit == "15" else date(2026, 4, 1)
            change = propose(team, use_case=one, limit=Decimal(limit), starts_on=month)
            tiers.append(change.tier)
    assert tiers == ["limited", "high", "minimal", "limited", "high", "high"]
    assert change.slots.count() == 2


def test_a_renewal_meanwhile_makes_the_proposal_stale(team: Team) -> None:
    make_budget(team, "10", starts_on=date(2026, 10, 1))
    change = propose(team)
    renew_budgets(team_id=team.pk, day=MONTH, now=NOW)
    with pytest.raises(Exception, match=r"changed|stale|moved"):
        sign(change)
    assert Budget.objects.get(starts_on=MONTH).limit == 10


def test_what_is_renewed_carries_the_change_and_the_limit_of_the_last_one(team: Team) -> None:
    sign(propose(team, starts_on=date(2026, 10, 1)))
    budget = limit_to(Budget.objects.get(), "7")
    renew_budgets(team_id=team.pk, day=MONTH, now=NOW)
    renewed = Budget.objects.get(starts_on=MONTH)
    assert (renewed.limit, renewed.change) == (7, budget.change)


def test_a_retired_use_case_asks_for_no_new_budget(team: Team) -> None:
    use_case = make_use_case(team)
    change = propose(team, use_case=use_case)
    assert [one.count for one in retiring.count(use_case, NOW)] == [1]
    retiring.carry_out(use_case, "Retired.", NOW)
    change.refresh_from_db()
    assert change.state == "withdrawn"


# In plain SQL, as at the database's own console.
INSERT = """
INSERT INTO chargeback_budget (team_id, use_case_id, period, starts_on, "limit", currency, hard,
    renews, soft_thresholds, alerted, reserved, captured, overrun, version, change_id, created_at)
VALUES (%(team)s, %(use_case)s, 'month', %(month)s, %(limit)s, 'USD', %(hard)s, %(renews)s,
    '[80, 95]', '[]', 0, 0, 0, 1, %(change)s, now())
"""


def insert(team: Team, change: ChangeRequest | None, **facts: Any) -> None:
    row = {"team": team.pk, "use_case": None, "month": MONTH, "limit": 5, "hard": True}
    with transaction.atomic(), connection.cursor() as cursor:
        more = {"renews": True, "change": change and change.pk}
        cursor.execute(INSERT, row | more | facts)


def refused(team: Team, change: ChangeRequest | None, **facts: Any) -> None:
    with pytest.raises(IntegrityError, match="needs a decided change"):
        insert(team, change, **facts)


def test_the_database_refuses_a_budget_that_nobody_decided_on(team: Team) -> None:
    refused(team, None)
    change = propose(team)
    refused(team, change)
    for state in ("rejected", "withdrawn", "expired", "stale"):
        ChangeRequest.objects.filter(pk=change.pk).update(state=state)
        refused(team, change)
    ChangeRequest.objects.filter(pk=change.pk).update(state="applied")
    for other in (
        {"limit": 6},
        {"hard": False},
        {"renews": False},
        {"month": next_month(MONTH)},
        {"use_case": make_use_case(team).pk},
    ):
        refused(team, change, **other)
    refused(make_team("support"), change)
    insert(team, change)


def test_the_database_takes_the_copy_of_the_last_budget_that_renews_and_no_other(
    team: Team,
) -> None:
    first = make_budget(team, "5", starts_on=date(2026, 9, 1))
    raised = limit_to(make_budget(team, "5", starts_on=date(2026, 10, 1)), "7")
    refused(team, first.change)
    refused(team, raised.change, limit=8)
    refused(team, first.change, limit=7)
    refused(team, raised.change, limit=7, hard=False)
    insert(team, raised.change, limit=7)
    ending = make_budget(make_team("support"), "5", starts_on=date(2026, 10, 1), renews=False)
    refused(ending.team, ending.change)


@pytest.mark.parametrize(
    "changed",
    [
        "hard = false",
        "renews = false",
        "currency = 'EUR'",
        "soft_thresholds = '[]'",
        "starts_on = '2026-12-01'",
        "team_id = team_id + 1",
        "change_id = NULL",
    ],
)
def test_the_database_refuses_another_fact_of_a_budget(team: Team, changed: str) -> None:
    budget = make_budget(team)
    sql = f"UPDATE chargeback_budget SET {changed} WHERE id = {budget.pk}"  # noqa: S608  # fixed
    with pytest.raises(IntegrityError, match="stands as it was decided"):
        connection.cursor().execute(sql)


def test_what_calls_write_is_free(team: Team) -> None:
    budget = make_budget(team, hard=False)
    facts = {"reserved": 1, "captured": 2, "overrun": 3, "alerted": [80]}
    assert Budget.objects.filter(pk=budget.pk).update(**facts) == 1
    # As the gateway's statements name no column of the guard, its function is not even called.
    columns = "SELECT tgname FROM pg_trigger t JOIN pg_attribute a ON a.attrelid = t.tgrelid"
    with connection.cursor() as cursor:
        cursor.execute(
            f"{columns} AND a.attnum = ANY (t.tgattr) WHERE t.tgrelid = 'chargeback_budget'::regclass"
            " AND a.attname IN ('reserved', 'captured', 'overrun', 'alerted')"
        )
        assert cursor.fetchall() == []


def test_a_limit_still_changes_by_its_own_change(team: Team) -> None:
    budget = make_budget(team, "10")
    change = limit_change(budget, "12")
    sql = 'UPDATE chargeback_budget SET "limit" = 12, change_id = %s WHERE id = %s'
    connection.cursor().execute(sql, [change.pk, budget.pk])
    assert Budget.objects.get().limit == 12


def test_the_form_proposes_and_keeps_what_was_typed(team: Team) -> None:
    make_team("support")
    owner = make_person("owner", team)
    client, month = signed_in(owner), month_of(timezone.now().date())
    filled = {
        "team": team.pk,
        "starts_on": f"{month:%Y-%m}",
        "limit": "12.50",
        "hard": "on",
        "soft_thresholds": "70, 90 %",
        "reason": "The pilot.",
    }
    form = client.get(NEW).content.decode()
    assert "Legal" in form and "Support" not in form
    for wrong in ({"limit": "-1"}, {"soft_thresholds": "many"}, {"reason": ""}):
        reply = client.post(NEW, filled | wrong)
        assert (reply.status_code, ChangeRequest.objects.count()) == (422, 0)
    assert "The pilot." in client.post(NEW, filled | {"limit": "-1"}).content.decode()
    assert client.post(NEW, filled).status_code == 302
    change = ChangeRequest.objects.get()
    assert change.proposal == {
        "limit": "12.50",
        "currency": "USD",
        "hard": True,
        "renews": False,
        "soft_thresholds": [70, 90],
    }
    again = client.post(NEW, filled)
    assert again.status_code == 422 and "undecided" in again.content.decode()
    listed = client.get("/chargeback/budgets/").content.decode()
    assert change.title in listed and "Proposed" in listed
    assert signed_in(make_person("board")).get(NEW).status_code == 403
    stranger = signed_in(make_person("owner", make_team("support")))
    assert change.title not in stranger.get("/chargeback/budgets/").content.decode()


def test_the_list_of_proposed_ones_takes_as_many_queries_for_three_as_for_one(team: Team) -> None:
    client = signed_in(make_person("finance"))

    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get("/chargeback/budgets/").status_code == 200
        return len(queries)

    propose(team)
    count()
    with_one = count()
    propose(make_team("support"))
    propose(make_team("sales"))
    assert count() == with_one


def test_the_api_proposes_and_answers_with_the_change(team: Team) -> None:
    client = signed_in(make_person("owner", team))
    asked = {"team": "legal", "starts_on": "2026-11-07", "limit": "5.00", "reason": "The pilot."}
    made = client.post("/api/v1/budgets/", asked, JSON)
    assert made.status_code == 201
    change = ChangeRequest.objects.get(pk=made.json()["change_request"])
    assert client.get("/api/v1/budgets/").json()["results"] == []
    sign(change)
    listed = client.get("/api/v1/budgets/").json()["results"]
    assert [(one["limit"], one["used"], one["change_request"]) for one in listed] == [
        ("5.00", "0.000000000", change.pk)
    ]
    again = client.post("/api/v1/budgets/", asked, JSON)
    assert (again.status_code, again.json()["code"]) == (400, "invalid")
    stranger = signed_in(make_person("owner", make_team("support")))
    assert stranger.get(f"/api/v1/budgets/{listed[0]['id']}/").status_code == 404
    # A team that is not theirs is as one that does not exist.
    assert stranger.post("/api/v1/budgets/", asked, JSON).status_code == 400
    assert BudgetProposal.objects.count() == 1


def test_an_installation_from_before_gets_the_policies(team: Team) -> None:
    migration = import_module("telemetry.chargeback.migrations.0004_budget_row_guard")
    ApprovalPolicy.objects.filter(kind="new_budget").delete()
    migration.add_where_others_are(apps, None)
    for tier in DECISION_HOURS:
        policy = ApprovalPolicy.objects.get(kind="new_budget", tier=tier, active=True)
        assert policy.sign_offs == STARTING_POLICIES["new_budget", tier]
        hours, days = DECISION_HOURS[tier], VALIDITY_DAYS[tier]
        assert (policy.decision_hours, policy.validity_days) == (hours, days)


def test_a_new_installation_takes_no_policy_from_the_migration() -> None:
    migration = import_module("telemetry.chargeback.migrations.0004_budget_row_guard")
    migration.add_where_others_are(apps, None)
    assert not ApprovalPolicy.objects.exists()
