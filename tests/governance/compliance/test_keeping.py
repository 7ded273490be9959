"""What the evidence said is kept with its time; packs ask live, and old answers are none."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.audit.registries import PackScope
from governance.compliance.frameworks import FRAMEWORKS
from governance.compliance.hooks import control_rows
from governance.compliance.keeping import KEPT_FOR, ask_again, keep_evidence
from governance.compliance.models import KeptEvidence
from governance.compliance.registries import control_evidence
from governance.compliance.selectors import answers_for, controls_of
from governance.compliance.tasks import keep_evidence as task
from governance.kernel.authority import Actor
from governance.kernel.errors import NotAllowed
from tests.factories.ledger import make_person, make_team, make_use_case
from tests.factories.registry import queries

PAGE = "/compliance/eu-ai-act/"


def sentence(key: str = "risk-assessments") -> str:
    controls = controls_of(FRAMEWORKS["eu-ai-act"], timezone.now(), None)
    found = {one.key: one for control in controls for one in control.answers}
    return found[key].evidence.sentence


@pytest.fixture
def reader(db: None) -> User:
    return make_person("compliance")


def test_pages_show_what_was_kept_and_packs_what_is(reader: User) -> None:
    task()
    assert KeptEvidence.objects.count() == len(control_evidence)
    before = sentence()
    make_use_case(make_team())
    assert sentence() == before
    now = timezone.now()
    scope = PackScope(now - timedelta(days=1), now, None)
    live = answers_for(FRAMEWORKS.values(), timezone.now(), None)["risk-assessments"]
    assert live.evidence.sentence != before
    packed = [one for one in control_rows(scope) if one["evidence"] == "risk-assessments"]
    assert packed[0]["sentence"] == live.evidence.sentence
    ask_again(actor=Actor.person(reader), now=timezone.now())
    assert sentence() == live.evidence.sentence


def test_what_is_too_old_is_asked_live(reader: User) -> None:
    keep_evidence(now=timezone.now() - KEPT_FOR - timedelta(seconds=1))
    before = sentence()
    make_use_case(make_team())
    assert sentence() != before


def test_a_kept_answer_still_goes_stale(reader: User) -> None:
    now = timezone.now()
    keep_evidence(now=now)
    KeptEvidence.objects.filter(key="audit-log").update(
        numerator=1, denominator=1, freshness=now - timedelta(days=2)
    )
    controls = controls_of(FRAMEWORKS["eu-ai-act"], timezone.now(), None)
    states = {one.key: one.state for control in controls for one in control.answers}
    assert states["audit-log"] == "stale"


def test_the_page_asks_nothing_that_is_kept(reader: User, client: Client) -> None:
    client.force_login(reader)
    client.get(PAGE)
    live = queries(lambda: client.get(PAGE))
    keep_evidence(now=timezone.now())
    assert queries(lambda: client.get(PAGE)) < live


def test_the_button_asks_again_and_is_recorded(reader: User, client: Client) -> None:
    client.force_login(reader)
    assert "Ask again" in client.get(PAGE).content.decode()
    assert "Ask again" in client.get("/compliance/").content.decode()
    answer = client.post("/compliance/ask-again/", {"framework": "eu-ai-act"})
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    assert client.post("/compliance/ask-again/", {"framework": "//x"})["Location"] == "/compliance/"
    assert AuditEvent.objects.filter(action="compliance.evidence_asked").count() == 2


def test_nobody_else_asks(db: None, client: Client) -> None:
    stranger = make_person()
    with pytest.raises(NotAllowed):
        ask_again(actor=Actor.person(stranger), now=timezone.now())
    client.force_login(stranger)
    assert client.post("/compliance/ask-again/").status_code in (403, 404)
    assert not KeptEvidence.objects.exists()
