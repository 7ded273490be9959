"""A provider's file beside the ledger: matched, different, resolved, told at closing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client

from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.model_cards.models import Deployment
from telemetry.chargeback import statements
from telemetry.chargeback.adjusting import adjust_day
from telemetry.chargeback.verification import verify
from telemetry.ledger.models import LedgerEntry
from telemetry.reconciliation.forms import upload_of
from telemetry.reconciliation.hooks import unresolved
from telemetry.reconciliation.models import ProviderFile, ReconciliationLine
from telemetry.reconciliation.services import resolve, take_file
from tests.factories.chargeback import make_budget, make_paid_call
from tests.factories.ledger import NOW, make_deployment, make_person, make_team, make_use_case

pytestmark = pytest.mark.django_db
OCTOBER = date(2026, 10, 1)
IN_OCTOBER = datetime(2026, 10, 20, 12, tzinfo=UTC)
# Each paid call is 100 tokens in and 10 out.
FILE = """date,model,input_tokens,output_tokens,cost
2026-10-20,the-model,200,20,1.75
2026-10-21,the-model,7,0,0.30
2026-10-20,mystery,1,1,0.05
"""


@pytest.fixture
def finance() -> Actor:
    return Actor.person(make_person("finance"))


@pytest.fixture
def deployment() -> Deployment:
    made = make_deployment()
    for team, amount in (("legal", "1.00"), ("support", "0.50")):
        use_case = make_use_case(make_team(team))
        make_budget(use_case.team, starts_on=OCTOBER)
        make_paid_call(use_case, made, amount=amount, now=IN_OCTOBER)
    return made


def take(finance: Actor, deployment: Deployment, text: str = FILE) -> ProviderFile:
    upload = upload_of(
        provider="Provider",
        period=OCTOBER,
        file_name="october.csv",
        content=text.encode(),
        columns={},
        decimal_comma=False,
        models={"the-model": deployment.slug},
    )
    return take_file(actor=finance, upload=upload, now=NOW)[0]


def lines(file: ProviderFile) -> dict[str, ReconciliationLine]:
    return {f"{one.day.day} {one.model}": one for one in file.lines.select_related("file")}


def settle(finance: Actor, line: ReconciliationLine, action: str, **facts: Any) -> None:
    resolve(actor=finance, line_id=line.pk, action=action, reason="As billed", now=NOW, **facts)


def test_differences_are_found_and_booked_to_who_used_the_model(
    finance: Actor, deployment: Deployment
) -> None:
    file = take(finance, deployment)
    found = lines(file)
    one = found["20 the-model"]
    assert (one.ours_amount, one.theirs_amount, one.difference, one.share) == (
        Decimal("1.5"),
        Decimal("1.75"),
        Decimal("0.25"),
        Decimal("16.67"),
    )
    assert one.tokens_difference == 0
    assert {name: line.state for name, line in found.items()} == dict.fromkeys(found, "open")
    settle(finance, one, "adjust")
    booked = LedgerEntry.objects.filter(kind="adjustment")
    assert dict(booked.values_list("team__slug", "amount")) == {
        "legal": Decimal("0.17"),
        "support": Decimal("0.08"),
    }
    assert {entry.reconciliation_entry.line_id for entry in booked} == {one.pk}
    with pytest.raises(WrongState):
        settle(finance, one, "adjust")
    with pytest.raises(Invalid, match="Choose the team"):
        settle(finance, found["20 mystery"], "adjust")
    settle(finance, found["20 mystery"], "adjust", team=make_team("legal"))
    settle(finance, found["21 the-model"], "dispute")
    assert [(one.label, one.count, one.amount) for one in unresolved(OCTOBER, NOW)] == [
        ("Differences to Provider, disputed", 1, Decimal("0.30"))
    ]
    settle(finance, found["21 the-model"], "accept")
    assert unresolved(OCTOBER, NOW) == []
    assert AuditEvent.objects.filter(action="reconciliation.resolved").count() == 4
    assert verify() == []


def test_what_agrees_is_matched_and_ours_alone_is_a_difference(
    finance: Actor, deployment: Deployment
) -> None:
    same = "date,model,input_tokens,output_tokens,cost\n2026-10-20,the-model,200,20,1.501\n"
    assert [line.state for line in lines(take(finance, deployment, same)).values()] == ["matched"]
    less = "date,model,cost\n2026-10-21,the-model,0.02\n"
    found = lines(take(finance, deployment, less))
    assert [(name, one.state, one.difference) for name, one in found.items()] == [
        ("20 the-model", "open", Decimal("-1.5")),
        ("21 the-model", "open", Decimal("0.02")),
    ]


def test_what_was_corrected_is_no_difference_in_a_later_file(
    finance: Actor, deployment: Deployment
) -> None:
    first = lines(take(finance, deployment))
    settle(finance, first["20 the-model"], "adjust")
    adjust_day(
        actor=finance,
        team=make_team("legal"),
        deployment=deployment,
        day=date(2026, 10, 21),
        amount=Decimal("0.30"),
        reason="Billed for a day without calls",
        now=NOW,
    )
    later = lines(take(finance, deployment, FILE + "2026-10-22,the-model,0,0,0.40\n"))
    assert {name: (one.state, one.ours_amount) for name, one in later.items()} == {
        "20 mystery": ("open", Decimal(0)),
        "20 the-model": ("matched", Decimal("1.75")),
        "21 the-model": ("open", Decimal("0.30")),
        "22 the-model": ("open", Decimal(0)),
    }
    assert later["21 the-model"].difference == 0  # Its seven tokens are not in the ledger.


def test_the_same_file_is_taken_once_and_stays_as_it_was(
    finance: Actor, deployment: Deployment
) -> None:
    first = take(finance, deployment)
    assert take(finance, deployment).pk == first.pk
    assert bytes(ProviderFile.objects.get().content) == FILE.encode()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE reconciliation_providerfile SET content = ''")


def test_a_provider_s_layout_is_remembered(finance: Actor, deployment: Deployment) -> None:
    facts: dict[str, Any] = {"provider": "Anbieter", "period": OCTOBER, "file_name": "x.csv"}
    first = upload_of(
        content=b"Tag;Was;Wert\n20.10.2026;A;1,75\n",
        columns={"day": "Tag", "model": "Was", "amount": "Wert"},
        decimal_comma=True,
        models={"A": deployment.slug},
        **facts,
    )
    take_file(actor=finance, upload=first, now=NOW)
    content = b"Tag;Was;Wert\n21.10.2026;A;0,25\n"
    again = upload_of(content=content, columns={}, decimal_comma=False, models={}, **facts)
    file, _ = take_file(actor=finance, upload=again, now=NOW)
    found = lines(file)["21 A"]
    assert (found.deployment, found.theirs_amount) == (deployment, Decimal("0.25"))


def test_an_adjustment_of_a_closed_month_goes_to_the_next(
    finance: Actor, deployment: Deployment
) -> None:
    file = take(finance, deployment)
    team = make_team("legal")
    begun = statements.begin_closing(actor=finance, team=team, period=OCTOBER, now=NOW)
    statements.close_statement(actor=finance, statement_id=begun.pk, now=NOW)
    settle(finance, lines(file)["20 the-model"], "adjust")
    booked = LedgerEntry.objects.filter(kind="adjustment")
    assert dict(booked.values_list("team__slug", "period")) == {
        "legal": date(2026, 11, 1),
        "support": OCTOBER,
    }
    assert verify() == []


def test_what_cannot_be_taken(finance: Actor, deployment: Deployment) -> None:
    with pytest.raises(Invalid, match="outside October"):
        take(finance, deployment, FILE + "2026-11-01,the-model,1,1,1\n")
    with pytest.raises(NotAllowed):
        take(Actor.person(make_person("board")), deployment)
    file = take(finance, deployment)
    for action, reason in (("adjust", " "), ("forget", "x")):
        with pytest.raises(Invalid):
            resolve(
                actor=finance,
                line_id=file.lines.all()[0].pk,
                action=action,
                reason=reason,
                now=NOW,
            )
    assert not LedgerEntry.objects.exclude(kind="usage").exists()


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(make_person(role))
    return client


def test_finance_reconciles_on_the_pages(deployment: Deployment) -> None:
    client = signed_in("finance")
    form = {
        "provider": "Provider",
        "period": "2026-10",
        "tolerance": "0.01",
        "tolerance_percent": "0.5",
        "models": f"the-model = {deployment.slug}",
    }
    broken = SimpleUploadedFile("a.csv", b"date,model,cost\nnever,a,1\n")
    refused = client.post("/reconciliation/upload/", form | {"file": broken})
    assert refused.status_code == 422
    assert "Line 2" in refused.content.decode()
    assert 'value="Provider"' in refused.content.decode()
    whole = SimpleUploadedFile("a.csv", FILE.encode())
    taken = client.post("/reconciliation/upload/", form | {"file": whole})
    assert taken.status_code == 302
    file = ProviderFile.objects.get()
    assert "16.67 %" in client.get(f"/reconciliation/{file.pk}/?state=open").content.decode()
    line = lines(file)["20 the-model"]
    path = f"/reconciliation/lines/{line.pk}/"
    unsure = client.post(f"{path}resolve/", {"action": "adjust", "reason": ""})
    assert unsure.status_code == 400
    client.post(f"{path}resolve/", {"action": "adjust", "reason": "As billed"})
    shown = client.get(path).content.decode()
    assert "0.170000000 USD" in shown
    assert "a.csv" in client.get("/reconciliation/").content.decode()
    assert signed_in("board").get(path).status_code == 403


def test_reconciling_over_the_api(deployment: Deployment) -> None:
    client = signed_in("finance")
    body = {
        "month": "2026-10",
        "provider": "Provider",
        "file_name": "a.csv",
        "content": FILE,
        "models": {"the-model": deployment.slug},
    }
    path = "/api/v1/reconciliations/"
    taken = client.post(path, body, "application/json")
    assert taken.status_code == 201
    assert client.post(path, body, "application/json").status_code == 200
    listed = client.get(f"{path}{taken.json()['id']}/lines/").json()["results"]
    one = next(row for row in listed if row["model"] == "the-model" and row["day"].endswith("20"))
    assert one["difference"] == "0.250000000"
    resolved = client.post(
        f"/api/v1/reconciliation-lines/{one['id']}/resolve/",
        {"action": "accept", "reason": "Rounded."},
        "application/json",
    )
    assert resolved.json()["state"] == "accepted"
