"""Keys rotate while everything runs: every sealed column moves, and nothing is lost on the way."""

from __future__ import annotations

import base64
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import models

from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.encryption import SealedField, encrypt
from governance.policy import rewrapping
from governance.policy.checks import check_keys
from governance.policy.models import EncryptionKey
from governance.policy.tasks import rewrap as rewrap_task
from telemetry.ledger.models import Payload
from tests.factories.ledger import NOW, make_deployment, make_settled

ONE = "1:" + base64.b64encode(b"1" * 32).decode()
TWO = "2:" + base64.b64encode(b"2" * 32).decode()
SYSTEM = Actor.system("tests")
AREAS = ("governance.", "telemetry.", "reviews.", "prompts.")
# Bytes that are no secret: hashes, the exact content of the audit log, providers' counts.
OPEN_BYTES = {
    "audit.AuditEvent.canonical",
    "audit.AuditEvent.leaf_hash",
    "audit.LogLeaf.leaf_hash",
    "audit.Checkpoint.root",
    "audit.Checkpoint.frontier",
    # A provider's invoice: amounts by day and model, about no person.
    "reconciliation.ProviderFile.content",
}


@pytest.fixture
def under_key_one(settings: Any) -> list[Payload]:
    """Three payloads and a deployment's secret under key 1; key 2 encrypts by now."""
    settings.PLACET_ENCRYPTION_KEYS = ONE
    rewrapping.note_keys(now=NOW)
    payloads = [make_settled(text=f"answer {number}").payload for number in range(3)]
    deployment = make_deployment()
    deployment.secret_sealed = encrypt("s", context=f"deployment:{deployment.slug}:secret")
    deployment.save()
    settings.PLACET_ENCRYPTION_KEYS = f"{ONE},{TWO}"
    return payloads


def test_every_column_of_bytes_is_sealed_or_known_to_be_open() -> None:
    """A new encrypted column must be a SealedField: a rotation would leave any other behind."""
    columns = {
        f"{model._meta.label}.{field.attname}": isinstance(field, SealedField)
        for model in apps.get_models()
        if model.__module__.startswith(AREAS)
        for field in model._meta.concrete_fields
        if isinstance(field, models.BinaryField)
    }
    assert {name for name, is_sealed in columns.items() if not is_sealed} == OPEN_BYTES
    sealed = {name for name, is_sealed in columns.items() if is_sealed}
    assert sealed == {one.name for one in rewrapping.sealed_columns()}
    assert len(sealed) >= 9


@pytest.mark.django_db
def test_everything_moves_in_steps_and_opens_under_the_new_key_alone(
    under_key_one: list[Payload], settings: Any
) -> None:
    moved, runs = 0, 0
    while not (run := rewrapping.rewrap(actor=SYSTEM, now=NOW, most=2, step=1)).is_done:
        moved, runs = moved + run.moved, runs + 1
        assert run.moved <= 2
    moved += run.moved
    assert moved == 7
    assert runs >= 3
    assert {one.number for one in rewrapping.key_uses()} == {2}
    assert EncryptionKey.objects.get(number=1).cleared_at == NOW
    settings.PLACET_ENCRYPTION_KEYS = TWO
    texts = [Payload.objects.get(pk=one.pk).open("response") for one in under_key_one]
    assert texts == ["answer 0", "answer 1", "answer 2"]
    assert AuditEvent.objects.filter(action="encryption.rewrapped").exists()
    assert check_keys(databases=["default"]) == []


@pytest.mark.django_db
def test_a_key_that_is_taken_away_too_early_is_named_with_what_needs_it(
    under_key_one: list[Payload], settings: Any
) -> None:
    rewrapping.rewrap(actor=SYSTEM, now=NOW, most=2)
    settings.PLACET_ENCRYPTION_KEYS = TWO
    said = " ".join(str(one.msg) for one in check_keys(databases=["default"]))
    assert "Encryption key 1 is not configured" in said
    assert "3 values of ledger.Payload.response_sealed" in said
    assert "request_sealed" in said
    with pytest.raises(CommandError, match=r"placet\.E010"):
        call_command("check", databases=["default"])


@pytest.mark.django_db
def test_what_an_old_process_seals_meanwhile_is_found_by_the_next_pass(
    under_key_one: list[Payload], settings: Any
) -> None:
    rewrapping.rewrap(actor=SYSTEM, now=NOW, most=7, step=7)
    settings.PLACET_ENCRYPTION_KEYS = ONE
    payload = under_key_one[0]
    payload.seal("decided", "by an old process")
    payload.save(update_fields=["decided_sealed"])
    settings.PLACET_ENCRYPTION_KEYS = f"{ONE},{TWO}"
    assert EncryptionKey.objects.get(number=1).cleared_at is None
    while not rewrapping.rewrap(actor=SYSTEM, now=NOW).is_done:
        pass
    settings.PLACET_ENCRYPTION_KEYS = TWO
    assert Payload.objects.get(pk=payload.pk).open("decided") == "by an old process"


@pytest.mark.django_db
def test_the_command_says_how_much_uses_which_key(under_key_one: list[Payload]) -> None:
    said = StringIO()
    call_command("rewrap", status=True, stdout=said)
    assert "key 1: 3 values of ledger.Payload.request_sealed" in said.getvalue()
    assert "Key 1 is still needed." in said.getvalue()
    said = StringIO()
    call_command("rewrap", step=2, stdout=said)
    assert "Key 1 is cleared: it may be taken out." in said.getvalue()
    assert "key 2: 3 values of ledger.Payload.response_sealed" in said.getvalue()


@pytest.mark.django_db
def test_the_task_moves_and_rests_when_there_is_nothing_older(
    under_key_one: list[Payload],
) -> None:
    assert rewrap_task() == 7
    assert rewrap_task() == 0
