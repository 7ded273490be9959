"""Rows written with SQL made once are the rows that the ORM would have written."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.forms.models import model_to_dict

from governance.kernel.canonical import uuid7
from telemetry.ledger import rows
from telemetry.ledger.models import Call, LedgerEntry, Payload
from tests.factories.ledger import NOW, make_call, make_deployment, make_use_case

pytestmark = pytest.mark.django_db


def a_call(**facts: Any) -> Call:
    use_case = make_use_case()
    given: dict[str, Any] = {
        "use_case": use_case,
        "team": use_case.team,
        "mode": "sync",
        "sensitivity": "internal",
        "currency": "USD",
        "admitted_at": NOW,
        "redactions": {"EMAIL_ADDRESS": 2},
        "findings": [{"code": "a", "detail": "it's 100 % “odd” \\ \u202e"}],
        "cost": Decimal("0.000000001"),
        "deployment": make_deployment(),
    }
    return Call(**given | facts)


def columns(row: Any) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_an_inserted_row_is_what_save_would_have_written() -> None:
    one = a_call(idempotency_key="k")
    rows.insert([one])
    assert columns(Call.objects.get(pk=one.pk)) == columns(one)
    one.prompt_label = "saved after"
    one.save()  # an UPDATE: the row is known to be there
    assert Call.objects.get().prompt_label == "saved after"


def test_many_rows_go_in_one_statement_and_get_their_keys(
    django_assert_num_queries: Any,
) -> None:
    call = make_call()
    entries = [
        LedgerEntry(
            call=call,
            attempt=number,
            kind="usage",
            team_id=call.team_id,
            use_case_id=call.use_case_id,
            period=NOW.date().replace(day=1),
            day=NOW.date(),
            amount=Decimal(number) / 7,
            currency="USD",
            priced_currency="",
            source="live",
            created_at=NOW,
        )
        for number in (1, 2, 3)
    ]
    with django_assert_num_queries(1):
        rows.insert(entries)
    rows.insert([])
    found = list(LedgerEntry.objects.order_by("attempt"))
    assert [one.attempt for one in found] == [1, 2, 3]
    assert found[0].amount == Decimal("0.142857143")
    assert len({one.pk for one in found}) == 3


def test_a_locked_row_is_fresh_and_keeps_the_relations_that_still_hold(
    django_assert_num_queries: Any,
) -> None:
    call = make_call(deployment=make_deployment())
    other = make_deployment()
    Call.objects.filter(pk=call.pk).update(deployment=other, task_id="t", findings=[{"a": 1}])
    with django_assert_num_queries(1):
        found = rows.lock(call)
        assert found is not None
        assert found.use_case is call.use_case
    assert columns(found) == columns(Call.objects.get(pk=call.pk))
    assert found.deployment == other and found.task_id == "t"
    assert rows.lock(a_call(pk=uuid7())) is None


def test_an_update_writes_what_is_named_and_nothing_else() -> None:
    call = make_call()
    Call.objects.filter(pk=call.pk).update(prompt_label="by another")
    call.lease_until, call.price_snapshot = NOW + timedelta(hours=1), {"input": "0.1"}
    call.deployment = make_deployment()
    rows.update(call, ["lease_until", "price_snapshot", "deployment"])
    found = Call.objects.get(pk=call.pk)
    assert found.prompt_label == "by another"
    assert found.price_snapshot == {"input": "0.1"}
    assert (found.lease_until, found.deployment) == (call.lease_until, call.deployment)


def test_what_the_database_refuses_is_raised_as_django_does() -> None:
    call = make_call()
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.insert([call])
    payload = Payload(call=call, keep_until=NOW)
    payload.seal("request", "a text")
    rows.insert([payload])
    assert Payload.objects.get().open("request") == "a text"
    assert model_to_dict(Call.objects.get(pk=call.pk))["state"] == "admitted"
