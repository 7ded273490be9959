"""Legal holds and erasures, as people and programs use them."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from telemetry.ledger.models import Erasure, LegalHold, Payload
from telemetry.ledger.tasks import erase
from tests.factories.keeping import (
    carried_out,
    compliance,
    hashed,
    make_erasure,
    make_hold,
    said_by,
)
from tests.factories.ledger import make_person
from tests.factories.registry import queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer(client: Client) -> Client:
    client.force_login(compliance())
    return client


def test_a_hold_is_counted_placed_seen_on_the_call_and_lifted(officer: Client) -> None:
    call = said_by("ada")
    asked = {"name": "Case 7", "reason": "A court asked.", "end_user": "ada"}
    asked["form_token"] = str(uuid4())
    counted = officer.post(reverse("ledger:hold-new"), asked | {"do": "count"})
    assert counted.status_code == 200 and not LegalHold.objects.exists()
    assert "It would keep back now" in counted.content.decode()
    assert 'value="ada"' in counted.content.decode()
    for _ in range(2):
        placed = officer.post(reverse("ledger:hold-new"), asked | {"do": "place"})
    hold = LegalHold.objects.get()
    assert placed.headers["Location"] == reverse("ledger:hold", args=[hold.pk])
    assert hold.end_user_hash == hashed("ada")
    shown = officer.get(reverse("ledger:detail", args=[call.pk])).content.decode()
    assert "Under legal hold" in shown and "Case 7" in shown and "Sealed until" in shown
    refused = officer.post(reverse("ledger:hold", args=[hold.pk]), {"reason": ""})
    assert refused.status_code == 422
    officer.post(reverse("ledger:hold", args=[hold.pk]), {"reason": "Closed."})
    hold.refresh_from_db()
    assert hold.lifted_at is not None
    page = officer.get(reverse("ledger:hold", args=[hold.pk])).content.decode()
    assert "Closed." in page and "Lift the hold" not in page


def test_a_hold_without_a_scope_says_what_to_do_and_keeps_what_was_typed(officer: Client) -> None:
    asked = {"name": "Case 7", "reason": "Why", "form_token": str(uuid4()), "do": "place"}
    refused = officer.post(reverse("ledger:hold-new"), asked)
    assert refused.status_code == 422
    assert "say what it covers" in refused.content.decode()
    assert 'value="Case 7"' in refused.content.decode()
    unknown = officer.post(reverse("ledger:hold-new"), asked | {"call": str(uuid4())})
    assert "There is no such call" in unknown.content.decode()


def test_an_erasure_is_counted_carried_out_and_certified(officer: Client) -> None:
    call = said_by("ada")
    said_by("bob")
    form = officer.get(reverse("ledger:erasure-new") + f"?call={call.pk}").content.decode()
    assert str(call.pk) in form
    asked = {"end_user": "ada", "reason": "They asked.", "form_token": str(uuid4())}
    counted = officer.post(reverse("ledger:erasure-new"), asked | {"do": "count"})
    assert "It finds" in counted.content.decode() and not Erasure.objects.exists()
    begun = officer.post(reverse("ledger:erasure-new"), asked | {"do": "erase"})
    erasure = Erasure.objects.get()
    where = reverse("ledger:erasure", args=[erasure.pk])
    assert begun.headers["Location"] == where
    waiting = officer.get(where, headers={"HX-Request": "true"}).content.decode()
    assert "hx-trigger" in waiting and "<html" not in waiting
    early = officer.post(reverse("ledger:erasure-certificate", args=[erasure.pk]))
    assert early.status_code == 409
    erase(str(erasure.pk))
    done = officer.get(where).content.decode()
    assert "Download the certificate" in done and "hx-trigger" not in done
    note = officer.post(reverse("ledger:erasure-certificate", args=[erasure.pk]))
    assert note.headers["Content-Disposition"].startswith("attachment")
    assert hashed("ada") in note.content.decode()
    assert Payload.objects.filter(destroyed_at=None).count() == 1
    shown = officer.get(reverse("ledger:detail", args=[call.pk])).content.decode()
    assert "Erased on request" in shown


def test_what_a_hold_keeps_is_said_before_and_refused(officer: Client) -> None:
    call = said_by("ada")
    make_hold(call=call, name="Case 9")
    asked = {"end_user": "ada", "reason": "r", "form_token": str(uuid4())}
    counted = officer.post(reverse("ledger:erasure-new"), asked | {"do": "count"})
    assert "“Case 9” keeps 1 of these calls" in counted.content.decode()
    refused = officer.post(reverse("ledger:erasure-new"), asked | {"do": "erase"})
    assert refused.status_code == 409 and "Case 9" in refused.content.decode()


@pytest.mark.parametrize("name", ["holds", "hold-new", "erasures", "erasure-new"])
def test_others_do_not_come_in(client: Client, name: str) -> None:
    client.force_login(make_person("finance"))
    assert client.get(reverse(f"ledger:{name}")).status_code == 403


@pytest.mark.parametrize("where", ["/legal-holds/", "/api/v1/legal-holds/"])
def test_a_list_of_holds_asks_the_same_however_long_it_is(officer: Client, where: str) -> None:
    make_hold(end_user="ada")
    officer.get(where)
    one = queries(lambda: officer.get(where))
    make_hold(call=said_by("ada"))
    make_hold(use_case=said_by("bob").use_case)
    assert queries(lambda: officer.get(where)) == one


@pytest.mark.parametrize("where", ["/erasures/", "/api/v1/erasures/"])
def test_a_list_of_erasures_asks_the_same_however_long_it_is(officer: Client, where: str) -> None:
    make_erasure(call=said_by("eve"))
    officer.get(where)
    one = queries(lambda: officer.get(where))
    carried_out(make_erasure(call=said_by("ada")))
    make_erasure(call=said_by("bob"))
    assert queries(lambda: officer.get(where)) == one


def test_programs_count_place_and_lift(officer: Client) -> None:
    call = said_by("ada")

    def send(where: str, **body: object) -> tuple[int, dict[str, object]]:
        reply = officer.post(f"/api/v1/legal-holds/{where}", body, "application/json")
        return reply.status_code, reply.json()

    assert send("count/", end_user="ada")[1]["calls"] == 1
    status, hold = send("", name="Case 7", reason="r", use_case=call.use_case.slug)
    assert (status, hold["use_case"]) == (201, call.use_case.slug)
    assert send("", name="Case 8", reason="r")[0] == 400
    assert send("", name="Case 8", reason="r", team="none-such")[0] == 400
    assert send(f"{hold['id']}/lift/", reason="Over.")[1]["lifted_because"] == "Over."
    assert send(f"{hold['id']}/lift/", reason="Over.")[0] == 409


def test_programs_erase_and_take_the_certificate(officer: Client) -> None:
    call = said_by("ada")
    count = officer.post("/api/v1/erasures/count/", {"call": str(call.pk)}, "application/json")
    assert count.json()["found"]["calls"] == 1
    body = {"call": str(call.pk), "reason": "r"}
    begun = officer.post("/api/v1/erasures/", body, "application/json")
    assert begun.status_code == 202
    erase(begun.json()["id"])
    done = officer.get(begun.headers["Location"]).json()
    assert done["state"] == "finished" and done["erased"]["Bodies of calls"] == 1
    note = officer.post(begun.headers["Location"] + "certificate/")
    assert note.status_code == 200 and "placet-erasure/1" in note.content.decode()
