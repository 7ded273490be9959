"""The digest of a call fixes how sure its answer is, and calls of earlier editions still verify."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from governance.kernel.canonical import digest
from telemetry.chargeback.verification import verify
from telemetry.ledger import seals, services
from telemetry.ledger.digests import call_digest, settled_content
from telemetry.ledger.models import Call
from telemetry.ledger.rules import DIGEST_VERSION
from tests.factories.ledger import NOW, make_call

pytestmark = pytest.mark.django_db
FIRST_EDITION = {
    *("id", "use_case_id", "team_id", "source", "mode", "outcome", "admitted_at", "finished_at"),
    *("prompt_version_id", "request_hash", "response_hash", "refusal_code", "currency", "entries"),
}


def settled(**facts: Any) -> Call:
    call = services.start_call(call=make_call(), now=NOW)
    return services.settle_call(call=call, outcome="deliver", now=NOW, **facts)


def of_an_earlier_edition() -> Call:
    """As it stands since before the digest had versions: with a figure, which nothing fixed."""
    call = settled(confidence=Decimal("0.9312"), confidence_method="judge")
    call.digest_version = 1
    call.digest = digest({name: settled_content(call, [])[name] for name in FIRST_EDITION})
    call.save()
    return call


def test_calls_of_an_earlier_edition_still_verify() -> None:
    call = of_an_earlier_edition()
    assert set(settled_content(call, [])) == FIRST_EDITION
    seals.seal_settled(now=NOW)
    assert verify() == []


@pytest.mark.parametrize(
    "change",
    [
        {"confidence": Decimal("0.9999")},
        {"confidence": None},
        {"confidence_method": "token_probability"},
        {"digest_version": 1},
    ],
)
def test_no_figure_is_changed_after_the_call_was_settled(change: dict[str, Any]) -> None:
    call = settled(confidence=Decimal("0.9312"), confidence_method="judge")
    seals.seal_settled(now=NOW)
    assert (call.digest_version, verify()) == (DIGEST_VERSION, [])
    Call.objects.filter(pk=call.pk).update(**change)
    assert [one.what for one in verify()] == [
        f"call {call.pk} was changed after it was settled (seal {Call.objects.get().seal_id})"
    ]


def test_a_call_that_an_earlier_edition_let_in_is_settled_by_this_one() -> None:
    call = make_call()
    Call.objects.filter(pk=call.pk).update(digest_version=1)
    call = services.start_call(call=Call.objects.get(pk=call.pk), now=NOW)
    services.settle_call(call=call, outcome="deliver", now=NOW, confidence=Decimal("0.5"))
    found = Call.objects.get()
    assert found.digest_version == DIGEST_VERSION
    assert found.digest == call_digest(found, [])
