"""What is said of a call that was refused, lost or cancelled, when it is asked for again."""

from __future__ import annotations

import pytest

from prompts.gateway.reply import reply_of_earlier
from prompts.gateway.shapes import error_headers
from prompts.gateway.stages.settle import cancel, settle_lost
from tests.factories.ledger import NOW, make_call, make_settled

pytestmark = pytest.mark.django_db


def test_a_lost_call_says_lost_and_that_asking_again_helps_nothing() -> None:
    refusal = reply_of_earlier(settle_lost(make_call())).refusal
    assert refusal is not None
    assert (refusal.code, refusal.status) == ("lost", 410)
    assert error_headers(refusal) == {"x-should-retry": "false"}


def test_a_cancelled_call_says_cancelled() -> None:
    refusal = reply_of_earlier(cancel(call=make_call(), now=NOW)).refusal
    assert refusal is not None
    assert (refusal.code, refusal.status) == ("cancelled", 410)


def test_a_code_that_nobody_knows_any_more_is_kept() -> None:
    call = make_settled(outcome="fail", refusal_code="of_another_edition", refusal_message="Why.")
    refusal = reply_of_earlier(call).refusal
    assert refusal is not None
    assert (refusal.code, refusal.message) == ("of_another_edition", "Why.")
