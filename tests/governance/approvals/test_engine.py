"""The rules of the approvals engine."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from governance.approvals import services
from governance.approvals.models import Approval, ChangeRequest, Decision
from governance.approvals.rules import Slot, cannot_be_filled, slot_to_fill
from governance.kernel.errors import Conflict, Invalid, NotAllowed, WrongState
from prompts.releases.models import Release
from tests.factories.organisation import World, world


def waiting(here: World) -> ChangeRequest:
    return ChangeRequest.objects.get(state="open", kind="prompt_release")


def decide(here: World, role: str, change: ChangeRequest, **more: Any) -> Decision:
    facts: dict[str, Any] = {
        "outcome": "approve",
        "rationale": "read",
        "digest_seen": change.digest,
        "now": timezone.now(),
    }
    return services.decide(actor=here.people.actor(role), change_id=change.pk, **(facts | more))


@pytest.fixture
def here(db: None) -> World:
    return world()


def test_the_last_signature_applies_exactly_what_was_decided(here: World) -> None:
    change = waiting(here)
    decide(here, "board", change)
    assert Release.objects.get(ended_at=None).version.number == 1
    decide(here, "ml_engineer", change)
    release = Release.objects.get(ended_at=None)
    assert (release.version.number, release.digest) == (2, change.digest)
    change.refresh_from_db()
    assert change.state == "applied"
    assert Approval.objects.filter(kind="prompt_release", state="superseded").count() == 1


@pytest.mark.parametrize("role", ["owner", "prompt_engineer", "finance", "administrator"])
def test_proposer_author_and_strangers_never_count(here: World, role: str) -> None:
    with pytest.raises(NotAllowed):
        decide(here, role, waiting(here))


def test_nobody_signs_twice(here: World) -> None:
    decide(here, "board", waiting(here))
    with pytest.raises(NotAllowed):
        decide(here, "board", waiting(here))


def test_another_digest_than_the_one_seen_does_not_count(here: World) -> None:
    with pytest.raises(Conflict):
        decide(here, "board", waiting(here), digest_seen="0" * 64)


def test_content_that_changed_makes_it_stale_and_a_revision_voids(here: World) -> None:
    change = waiting(here)
    decide(here, "board", change)
    deployment_id = change.proposal["deployment_ids"][0]
    from governance.model_cards.models import Deployment

    Deployment.objects.filter(pk=deployment_id).update(slug="renamed")
    with pytest.raises(Conflict):
        decide(here, "ml_engineer", change)
    change.refresh_from_db()
    assert change.state == "stale"
    services.revise(
        actor=here.people.actor("owner"), change_id=change.pk, reason="new", now=timezone.now()
    )
    change.refresh_from_db()
    assert (change.state, change.revision) == ("open", 2)
    assert not change.slots.exclude(filled_by=None).exists()
    assert change.decisions.filter(is_void=False).count() == 0


def test_a_rejection_closes_and_needs_a_reason(here: World) -> None:
    with pytest.raises(Invalid):
        decide(here, "board", waiting(here), outcome="reject", rationale="")
    change = waiting(here)
    decide(here, "board", change, outcome="reject")
    change.refresh_from_db()
    assert change.state == "rejected"
    with pytest.raises(WrongState):
        decide(here, "ml_engineer", change)


def test_one_undecided_request_per_subject(here: World) -> None:
    change = waiting(here)
    with pytest.raises(WrongState):
        services.open_change(
            actor=here.people.actor("owner"),
            kind=change.kind,
            subject_id=change.subject_id,
            proposal=change.proposal,
            title="again",
            reason="again",
            now=timezone.now(),
        )


def test_an_empty_set_of_signatories_blocks_and_says_so(here: World) -> None:
    change = waiting(here)
    owner, now = here.people.actor("owner"), timezone.now()
    services.withdraw(actor=owner, change_id=change.pk, reason="", now=now)
    here.people.users["board"].grants.update(revoked_at=now)
    with pytest.raises(WrongState, match="nobody without a conflict"):
        services.open_change(
            actor=owner,
            kind=change.kind,
            subject_id=change.subject_id,
            proposal=change.proposal,
            title="again",
            reason="again",
            now=now,
        )


def test_decisions_are_written_once(here: World) -> None:
    decide(here, "board", waiting(here))
    with pytest.raises(IntegrityError), transaction.atomic():
        Decision.objects.update(rationale="forged")


def test_the_database_refuses_a_release_without_an_approval(here: World) -> None:
    release = Release.objects.get(ended_at=None)
    Release.objects.update(ended_at=timezone.now())
    release.pk, release.digest, release.ended_at = None, "0" * 64, None
    with pytest.raises(IntegrityError), transaction.atomic():
        release.save(force_insert=True)


@pytest.mark.django_db(transaction=True)
def test_two_approvers_at_the_same_instant_both_count_and_apply_once() -> None:
    here = world()
    change = waiting(here)
    barrier = threading.Barrier(2)
    failures: list[Exception] = []

    def run(role: str) -> None:
        barrier.wait()
        try:
            decide(here, role, change)
        except Exception as error:  # noqa: BLE001  # shown by the assertion below
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[role]) for role in ("board", "ml_engineer")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    change.refresh_from_db()
    assert failures == [] and change.state == "applied"
    assert Release.objects.filter(ended_at=None).count() == 1


@pytest.mark.parametrize(
    ("slots", "person", "chosen"),
    [
        ([Slot(1, frozenset({7})), Slot(2, frozenset({7, 8}))], 7, 1),
        ([Slot(1, frozenset({7, 8})), Slot(2, frozenset({7}))], 7, 2),
        ([Slot(1, frozenset({7}), 7), Slot(2, frozenset({7}))], 7, None),
        ([Slot(1, frozenset({8}))], 7, None),
    ],
)
def test_which_slot_a_person_fills(slots: list[Slot], person: int, chosen: int | None) -> None:
    assert slot_to_fill(slots, person) == chosen


def test_distinct_people_are_needed() -> None:
    both = [Slot(1, frozenset({1})), Slot(2, frozenset({1}))]
    assert cannot_be_filled(both, frozenset()) == [2]
    assert not cannot_be_filled([Slot(1, frozenset({1, 2})), Slot(2, frozenset({1}))], frozenset())
