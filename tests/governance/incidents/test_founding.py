"""An organisation of one's own, from an empty database to the first sign-in."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from governance.access.models import Organisation, User
from governance.approvals.models import ApprovalPolicy
from governance.audit.models import AuditEvent
from governance.incidents.models import Playbook

pytestmark = pytest.mark.django_db
GIVEN = ("Acme", "Ann@acme.example", "Ann")
STRONG = "correct horse battery"


def found(monkeypatch: pytest.MonkeyPatch, password: str = STRONG) -> None:
    monkeypatch.setenv("PLACET_FIRST_PASSWORD", password)
    call_command("found", *GIVEN, verbosity=0)


def test_the_first_person_signs_in_and_manages_people(monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch)
    client = Client()
    sent = {"login": "ann@acme.example", "password": STRONG}
    assert client.post("/accounts/login/", sent).status_code == 302
    assert client.get("/people/").status_code == 200
    assert ApprovalPolicy.objects.exists()
    assert Playbook.objects.filter(kind="safety_breach").exists()
    actors = set(AuditEvent.objects.values_list("actor_label", flat=True))
    assert "Placet (founding)" in actors


def test_a_weak_password_makes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="Nobody was added"):
        found(monkeypatch, "short")
    assert not Organisation.objects.exists()
    assert not User.objects.exists()


def test_there_is_one_organisation(monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch)
    with pytest.raises(CommandError, match="has its organisation already"):
        found(monkeypatch)
