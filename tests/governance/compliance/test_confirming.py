"""Controls are unconfirmed until compliance compared them, and again when their words change."""

from __future__ import annotations

import pytest
from django.utils import timezone

from governance.audit.models import AuditEvent
from governance.compliance.confirming import confirm_wording, confirmations_of
from governance.compliance.frameworks import FRAMEWORKS
from governance.compliance.models import Confirmation
from governance.kernel.errors import Invalid, NotAllowed, NotFound
from tests.governance.compliance.conftest import Desk

pytestmark = pytest.mark.django_db
ACT = FRAMEWORKS["eu-ai-act"]
EDITION = "Official Journal, consolidated on 27 July 2026"


def confirm(
    desk: Desk, who: str = "officer", refs: tuple[str, ...] = ("art-4",), **more: str
) -> None:
    facts = {"framework": "eu-ai-act", "note": EDITION} | more
    confirm_wording(actor=desk.actor(who), refs=refs, now=timezone.now(), **facts)


def test_a_control_is_unconfirmed_until_compliance_compared_it(desk: Desk) -> None:
    client = desk.client("officer")
    before = client.get("/compliance/eu-ai-act/").content.decode()
    assert before.count('name="controls"') == len(ACT.controls)
    posted = {"controls": ["art-4", "art-9"], "note": EDITION}
    after = client.post("/compliance/eu-ai-act/confirm/", posted, follow=True).content.decode()
    assert after.count('name="controls"') == len(ACT.controls) - 2
    assert f"2 of {len(ACT.controls)} controls were compared" in after
    assert EDITION in after
    event = AuditEvent.objects.get(action="compliance.confirmed")
    assert event.after["controls"] == ["Art. 4", "Art. 9"]
    assert "unconfirmed" in client.get("/compliance/eu-ai-act/?format=csv").content.decode()


def test_what_was_typed_is_kept_when_something_is_missing(desk: Desk) -> None:
    posted = {"controls": ["art-4"], "note": " "}
    page = desk.client("officer").post("/compliance/eu-ai-act/confirm/", posted)
    assert page.status_code == 422
    assert page.content.decode().count("checked") == 1
    assert not Confirmation.objects.exists()


def test_other_words_are_unconfirmed_again(desk: Desk) -> None:
    confirm(desk)
    assert set(confirmations_of(ACT)) == {"art-4"}
    Confirmation.objects.update(wording="0" * 64)
    assert not confirmations_of(ACT)


def test_only_compliance_confirms_and_only_what_there_is(desk: Desk) -> None:
    with pytest.raises(NotAllowed):
        confirm(desk, "reader")
    with pytest.raises(NotFound):
        confirm(desk, framework="none")
    with pytest.raises(Invalid):
        confirm(desk, refs=("art-0",))
    assert desk.client("reader").post("/compliance/eu-ai-act/confirm/").status_code == 403


def test_the_api_says_who_confirmed(desk: Desk) -> None:
    confirm(desk)
    rows = desk.client("reader").get("/api/v1/frameworks/eu-ai-act/controls/").json()
    told = {one["ref"]: one["confirmation"] for one in rows}
    assert told["art-4"]["note"] == EDITION
    assert told["art-9"] is None
