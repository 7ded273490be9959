"""The log: append-only, a Merkle tree that verifies, and packs that name what was changed."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from governance.access import services as access
from governance.audit import packs, services
from governance.audit.merkle import Tree, leaf_hash, root, verify_consistency, verify_inclusion
from governance.audit.models import AuditEvent, AuditPack, LogLeaf
from governance.audit.verification import problems
from governance.kernel.authority import Actor
from tests.factories.organisation import World, world

SYSTEM = Actor.system("tests")


@given(st.integers(1, 70), st.data())
def test_every_leaf_is_proved_and_nothing_else(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(bytes([number])) for number in range(size)]
    tree = Tree(leaves)
    assert tree.root() == root(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = tree.inclusion(index)
    assert verify_inclusion(leaves[index], index, size, path, tree.root())
    assert not verify_inclusion(leaf_hash(b"other"), index, size, path, tree.root())
    old = data.draw(st.integers(1, size))
    proof = tree.consistency(old)
    assert verify_consistency(old, size, root(leaves[:old]), tree.root(), proof)
    if old < size:
        assert not verify_consistency(old, size, leaf_hash(b"x"), tree.root(), proof)


def test_the_empty_tree_is_the_hash_of_nothing() -> None:
    assert root([]) == hashlib.sha256(b"").digest()


def _events(count: int) -> None:
    for number in range(count):
        access.create_team(
            actor=SYSTEM,
            name=f"T{number}",
            slug=f"t{number}",
            code=f"C{number}",
            now=timezone.now(),
        )


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement", ["UPDATE audit_auditevent SET reason = 'x'", "DELETE FROM audit_auditevent"]
)
def test_the_database_refuses_changes(statement: str) -> None:
    _events(1)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def _as_superuser(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER ALL")
        cursor.execute(statement)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE audit_auditevent ENABLE TRIGGER ALL")


@pytest.mark.django_db
def test_a_superusers_change_is_named() -> None:
    _events(5)
    services.sequence(now=timezone.now())
    assert list(problems()) == []
    victim = LogLeaf.objects.get(index=2).event_id
    _as_superuser(f"UPDATE audit_auditevent SET reason = 'forged' WHERE id = '{victim}'")
    assert str(victim) in next(problems())


@pytest.mark.django_db
def test_sequencing_goes_on_where_it_stopped() -> None:
    _events(3)
    assert services.sequence(now=timezone.now()) == 3
    assert services.sequence(now=timezone.now()) == 0
    access.create_team(actor=SYSTEM, name="L", slug="l", code="L", now=timezone.now())
    assert services.sequence(now=timezone.now()) == 1
    assert list(problems()) == []


@pytest.mark.django_db
def test_an_unregistered_action_is_refused() -> None:
    team = access.create_team(actor=SYSTEM, name="A", slug="a", code="A", now=timezone.now())
    with pytest.raises(LookupError):
        services.record(actor=SYSTEM, action="no.such", subject=team, now=timezone.now())


def _pack(here: World) -> Path:
    now = timezone.now()
    pack = packs.request_pack(
        actor=here.people.actor("compliance"),
        starts_at=now - timedelta(days=1),
        ends_at=now + timedelta(days=1),
        now=now,
    )
    packs.build(pack_id=str(pack.pk), now=timezone.now())
    pack = AuditPack.objects.get(pk=pack.pk)
    assert (pack.state, pack.failure) == ("ready", "")
    return packs.folder() / pack.file_name


def _verify(path: Path) -> tuple[int, str]:
    key = services.signer().verifier_key
    verifier = Path(packs.offline_verifier.__file__)
    command = [sys.executable, "-I", str(verifier), str(path), "--key", key]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout


def _with_changed_byte(path: Path, name: str) -> Path:
    """A copy of the pack in which one byte of that file is another."""
    target = path.with_name("tampered.zip")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as changed:
        for one in source.namelist():
            content = bytearray(source.read(one))
            if one == name:
                content = content or bytearray(b"x")
                content[len(content) // 2] ^= 1
            changed.writestr(one, bytes(content))
    return target


@pytest.mark.django_db(transaction=True)
def test_a_pack_verifies_offline_and_names_any_change() -> None:
    path = _pack(world())
    code, said = _verify(path)
    assert code == 0 and "OK" in said
    with zipfile.ZipFile(path) as pack:
        names = pack.namelist()
        assert "verify.py" in names
        assert AuditEvent.objects.count() > 20
        assert len(io.BytesIO(pack.read("data/events.jsonl")).readlines()) > 20
    for name in names:
        code, said = _verify(_with_changed_byte(path, name))
        assert code == 1, name
        assert name.removesuffix(".sig") in said or "FAILED" in said
    code, said = _verify(_with_changed_byte(path, "data/changes.jsonl"))
    assert "CHANGED  data/changes.jsonl" in said
