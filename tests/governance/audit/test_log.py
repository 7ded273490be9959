"""The log: append-only, a Merkle tree that verifies, and packs that name what was changed."""

from __future__ import annotations

import hashlib

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from governance.access import services as access
from governance.audit import services
from governance.audit.merkle import Tree, leaf_hash, root, verify_consistency, verify_inclusion
from governance.audit.models import LogLeaf
from governance.audit.verification import problems
from governance.kernel.authority import Actor
from governance.kernel.canonical import digest
from tests.factories.audit import make_events

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


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement", ["UPDATE audit_auditevent SET reason = 'x'", "DELETE FROM audit_auditevent"]
)
def test_the_database_refuses_changes(statement: str) -> None:
    make_events(1)
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
    make_events(5)
    services.sequence(now=timezone.now())
    assert list(problems()) == []
    victim = LogLeaf.objects.get(index=2).event_id
    _as_superuser(f"UPDATE audit_auditevent SET reason = 'forged' WHERE id = '{victim}'")
    assert str(victim) in next(problems())


@pytest.mark.django_db
def test_sequencing_goes_on_where_it_stopped() -> None:
    make_events(3)
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


@pytest.mark.django_db
@pytest.mark.parametrize("parts", [1, 400])
def test_an_event_that_is_too_long_keeps_digests_and_verifies(parts: int) -> None:
    now, text = timezone.now(), "x" * (80_000 // parts)
    organisation = access.create_organisation(actor=SYSTEM, name="A", now=now)
    after = {f"part {number}": text for number in range(parts)}
    event = services.record(
        actor=SYSTEM,
        action="organisation.created",
        subject=organisation,
        now=now,
        after=after,
        reason="y" * 70_000,
    )
    assert len(event.canonical) <= services.LEAF_LIMIT_BYTES
    assert event.reason == "y" * services.LONGEST_REASON
    expected = {
        "part 0": {"sha256": hashlib.sha256(text.encode()).hexdigest(), "characters": 80_000}
    }
    assert event.after == (expected if parts == 1 else {"sha256": digest(after)})
    services.sequence(now=now)
    assert list(problems()) == []
