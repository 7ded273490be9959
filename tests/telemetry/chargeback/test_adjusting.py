"""Corrections of the ledger: by entries that point back, and a second person for large ones."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.access.models import User
from governance.approvals import services as approvals
from governance.approvals.deciding import decide
from governance.approvals.models import ApprovalPolicy
from governance.approvals.policies import STARTING_POLICIES
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from telemetry.chargeback import adjusting, statements
from telemetry.chargeback.models import Adjustment, DailyUsage
from telemetry.chargeback.verification import verify
from telemetry.ledger.models import LedgerEntry
from tests.factories.chargeback import make_budget, make_paid_call
from tests.factories.ledger import NOW, make_person, make_team, make_use_case

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def finance() -> User:
    return make_person("finance")


def entry_of(amount: str = "5", limit: str = "1000") -> LedgerEntry:
    """A money line of a call, by a team with a budget."""
    use_case = make_use_case(make_team())
    make_budget(use_case.team, limit)
    call = make_paid_call(use_case, held=amount, amount=amount)
    return LedgerEntry.objects.get(call=call)


def correct(person: User, entry: LedgerEntry, amount: str, **facts: Any) -> Adjustment:
    told = {"reason": "Billed twice by the provider.", "now": NOW} | facts
    return adjusting.correct_entry(
        actor=Actor.person(person), entry=entry, amount=Decimal(amount), **told
    )


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_a_correction_is_an_entry_that_points_back(finance: User) -> None:
    entry = entry_of()
    made = correct(finance, entry, "-1.25", kind="credit").entry
    assert made is not None
    assert (made.kind, made.amount, made.corrects) == ("credit", Decimal("-1.25"), entry)
    assert (made.team, made.use_case, made.call, made.period) == (
        entry.team,
        entry.use_case,
        entry.call,
        entry.period,
    )
    assert made.calls == 0 and made.tokens_input == 0
    entry.refresh_from_db()
    assert entry.amount == 5 and adjusting.left_of(entry) == Decimal("3.75")
    assert sum(DailyUsage.objects.values_list("cost", flat=True)) == Decimal("3.75")
    event = AuditEvent.objects.get(action="ledger.adjusted")
    assert event.reason == "Billed twice by the provider."
    assert verify() == []


def test_a_correction_of_a_closed_month_goes_to_the_next_open_one(finance: User) -> None:
    entry, actor = entry_of(), Actor.person(finance)
    later = NOW + timedelta(days=20)
    begun = statements.begin_closing(
        actor=actor, team=entry.team, period=date(2026, 11, 1), now=later
    )
    closed = statements.close_statement(actor=actor, statement_id=begun.pk, now=later)
    made = correct(finance, entry, "-1", now=later).entry
    assert made is not None
    assert (made.period, made.day) == (date(2026, 12, 1), entry.day)
    closed.refresh_from_db()
    assert closed.total == 5 and verify() == []


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"amount": "0"}, "not 0"),
        ({"amount": "NaN"}, "not 0"),
        ({"amount": "0.0000000001"}, "nine decimals"),
        ({"amount": "1", "kind": "credit"}, "below 0"),
        ({"amount": "1", "kind": "usage"}, "adjustment, credit"),
        ({"amount": "1", "reason": " "}, "Say why"),
        ({"amount": "-5.000000001"}, "At most 5"),
    ],
)
def test_what_does_not_fit_is_refused(finance: User, facts: dict[str, Any], words: str) -> None:
    entry = entry_of()
    with pytest.raises(Invalid) as refused:
        correct(finance, entry, **facts)
    assert words in str(refused.value.fields)
    assert LedgerEntry.objects.count() == 1 and not Adjustment.objects.exists()


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.decimals(-9, 9, places=9, allow_nan=False, allow_infinity=False).filter(bool),
        max_size=6,
    )
)
def test_no_series_of_corrections_gives_more_than_was_paid(
    finance: User, amounts: list[Decimal]
) -> None:
    entry = entry_of()
    left = Decimal(5)
    for amount in amounts:
        if left + amount < 0:
            with pytest.raises(Invalid):
                correct(finance, entry, f"{amount:f}")
        else:
            correct(finance, entry, f"{amount:f}")
            left += amount
    assert adjusting.left_of(entry) == left >= 0
    mine = DailyUsage.objects.filter(team=entry.team)
    assert sum(mine.values_list("cost", flat=True)) == left


def test_a_large_one_waits_for_a_second_person(finance: User) -> None:
    approvals.install_starting_policies(actor=Actor.system("tests"), now=NOW)
    second, entry = make_person("finance"), entry_of("500")
    asked = correct(finance, entry, "-100.01")
    assert asked.entry is None and LedgerEntry.objects.count() == 1
    change = adjusting.change_of(asked)
    assert change is not None and change.state == "open"
    facts: dict[str, Any] = {
        "change_id": change.pk,
        "outcome": "approve",
        "rationale": "Seen on the bill.",
        "digest_seen": change.digest,
        "now": NOW,
    }
    with pytest.raises(NotAllowed):
        decide(actor=Actor.person(finance), **facts)
    decide(actor=Actor.person(second), **facts)
    asked.refresh_from_db()
    assert asked.entry is not None and asked.entry.amount == Decimal("-100.01")
    with pytest.raises(WrongState):
        adjusting.book(actor=Actor.person(second), adjustment_id=asked.pk, now=NOW)
    assert verify() == []


def test_exactly_the_threshold_needs_nobody_else(finance: User) -> None:
    entry = entry_of("500")
    assert correct(finance, entry, "-100").entry is not None


def test_finance_alone_corrects_and_only_a_reader_of_the_team_sees_it(finance: User) -> None:
    entry = entry_of()
    board, stranger = make_person("board"), make_person("owner", make_team())
    with pytest.raises(NotAllowed):
        correct(board, entry, "-1")
    correct(finance, entry, "-1")
    body = {"corrects": entry.pk, "amount": "-1", "reason": "x"}
    for person in (board, stranger):
        assert signed_in(person).post("/api/v1/adjustments/", body, JSON).status_code == 403
        assert signed_in(person).post("/chargeback/adjustments/new/").status_code == 403
    assert len(signed_in(board).get("/api/v1/adjustments/").json()["results"]) == 1
    assert signed_in(stranger).get("/api/v1/adjustments/").json()["results"] == []
    page = signed_in(stranger).get("/chargeback/adjustments/").content.decode()
    assert "Nothing was corrected" in page


def test_by_page_from_the_call_to_the_list(finance: User) -> None:
    entry, client = entry_of(), signed_in(finance)
    call_page = client.get(f"/calls/{entry.call_id}/").content.decode()
    url = f"/chargeback/adjustments/new/?entry={entry.pk}"
    assert url in call_page and "Nothing of this call" in call_page
    assert "5.000000000 USD is left" in client.get(url).content.decode()
    wrong = client.post(url, {"kind": "adjustment", "amount": "-7", "reason": "Twice."})
    body = wrong.content.decode()
    assert wrong.status_code == 422 and "At most 5" in body and 'value="-7"' in body
    given_back = {"kind": "credit", "amount": "-2", "reason": "Twice."}
    assert client.post(url, given_back).status_code == 302
    listed = client.get("/chargeback/adjustments/").content.decode()
    assert "-2.000000000 USD" in listed and "November 2026" in listed
    assert "-2.000000000 USD" in client.get(f"/calls/{entry.call_id}/").content.decode()
    assert client.get("/chargeback/adjustments/new/?entry=0").status_code == 404


def test_a_day_is_corrected_where_no_entry_stands_for_it(finance: User) -> None:
    use_case, client = make_use_case(make_team()), signed_in(finance)
    facts = {
        "team": use_case.team.slug,
        "use_case": use_case.slug,
        "day": "2026-11-03",
        "kind": "adjustment",
        "amount": "12.5",
        "reason": "The invoice has a call that we lost.",
    }
    assert client.post("/chargeback/adjustments/new/", facts).status_code == 302
    made = client.post("/api/v1/adjustments/", facts, JSON)
    assert made.status_code == 201 and made.json()["period"] == "2026-11-01"
    assert LedgerEntry.objects.filter(corrects=None, amount=Decimal("12.5")).count() == 2
    missing = client.post("/api/v1/adjustments/", {"amount": "1", "reason": "x"}, JSON)
    assert missing.status_code == 400 and "Give it, or the entry" in missing.content.decode()
    other = facts | {"team": make_team().slug}
    assert client.post("/api/v1/adjustments/", other, JSON).status_code == 400
    tomorrow = facts | {"day": "2999-01-01"}
    assert client.post("/chargeback/adjustments/new/", tomorrow).status_code == 422
    assert verify() == []


def test_the_lists_need_as_many_queries_for_three_as_for_one(finance: User) -> None:
    entry, client = entry_of(), signed_in(finance)

    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as counted:
            assert client.get(path).status_code == 200
        return len(counted)

    paths = ("/chargeback/adjustments/", "/api/v1/adjustments/")
    correct(finance, entry, "-1")
    [queries(path) for path in paths]
    one = [queries(path) for path in paths]
    correct(finance, entry, "-1")
    correct(finance, entry_of(), "-1")
    assert [queries(path) for path in paths] == one


def test_an_installation_from_before_gets_the_policies() -> None:
    for name, kind in (
        ("telemetry.chargeback.migrations.0008_adjustments", "adjustment"),
        ("governance.model_cards.migrations.0006_money", "prices"),
    ):
        migration = import_module(name)
        migration.add_where_others_are(apps, None)
        assert not ApprovalPolicy.objects.filter(kind=kind).exists()
        ApprovalPolicy.objects.create(
            kind="other",
            tier="minimal",
            sign_offs=[],
            decision_hours=8,
            validity_days=1,
            made_at=NOW,
        )
        migration.add_where_others_are(apps, None)
        policy = ApprovalPolicy.objects.get(kind=kind, tier="limited")
        assert policy.sign_offs == STARTING_POLICIES[kind, "limited"]
        ApprovalPolicy.objects.all().delete()
