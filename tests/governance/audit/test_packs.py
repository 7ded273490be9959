"""A pack from its request to its end: states, leases, progress, housekeeping."""

from __future__ import annotations

import errno
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from governance.access.models import Team
from governance.audit import building, lease, packs, tasks
from governance.audit.models import AuditEvent, AuditPack
from governance.audit.registries import PackScope
from governance.audit.rules import KEPT, MOST_ATTEMPTS, PRESETS, QUEUED_AGAIN_AFTER, preset_period
from governance.config.celery import app
from governance.config.schedule import BEAT_SCHEDULE
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from tests.factories.audit import ask_for, built, row, section
from tests.factories.ledger import make_person, make_team

COMMITS = pytest.mark.django_db(transaction=True)
TODAY = date(2026, 11, 21)


def _actions(pack: AuditPack) -> list[str]:
    events = AuditEvent.objects.filter(subject_id=str(pack.pk)).order_by("at", "pk")
    return [event.action.removeprefix("audit_pack.") for event in events]


@pytest.mark.parametrize(
    ("preset", "first", "last"),
    [
        ("this-month", date(2026, 11, 1), TODAY),
        ("last-month", date(2026, 10, 1), date(2026, 10, 31)),
        ("this-quarter", date(2026, 10, 1), TODAY),
        ("last-quarter", date(2026, 7, 1), date(2026, 9, 30)),
    ],
)
def test_a_preset_is_a_period(preset: str, first: date, last: date) -> None:
    assert preset in PRESETS
    assert preset_period(preset, TODAY) == (first, last)


def test_a_preset_looks_back_over_the_new_year() -> None:
    assert preset_period("last-quarter", date(2026, 2, 28))[0] == date(2025, 10, 1)
    assert preset_period("last-month", date(2026, 1, 1))[1] == date(2025, 12, 31)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("starts", "ends", "field"), [(1, 1, "starts_on"), (0, 1, "ends_on"), (-1, -2, "ends_on")]
)
def test_a_period_that_does_not_fit_is_refused(starts: int, ends: int, field: str) -> None:
    now = timezone.now()
    first, last = (now.date() + timedelta(days=days) for days in (starts, ends))
    actor = Actor.person(make_person("compliance"))
    with pytest.raises(Invalid) as refused:
        packs.request_pack(actor=actor, starts_on=first, ends_on=last, now=now)
    assert [*refused.value.fields] == [field]
    assert not AuditPack.objects.exists()


@pytest.mark.django_db
def test_only_compliance_builds_packs() -> None:
    for role in ("owner", "board", "administrator", "safety"):
        with pytest.raises(NotAllowed):
            ask_for(person=make_person(role))
    pack = ask_for(make_team("legal").pk)
    assert (pack.team_label, pack.state) == ("Legal", "requested")
    event = AuditEvent.objects.get(subject_id=str(pack.pk))
    assert (event.action, event.team_id) == ("audit_pack.requested", pack.team_id)
    with pytest.raises(Invalid) as refused:
        ask_for(team_id=-1)
    assert "team" in refused.value.fields


@COMMITS
def test_progress_is_seen_from_another_connection_while_it_is_built() -> None:
    seen: list[tuple[Any, ...]] = []

    def rows(scope: PackScope) -> Iterator[dict[str, Any]]:
        for number in range(2 * lease.ROWS_BETWEEN + 1):
            if number % lease.ROWS_BETWEEN == 0:
                seen.append(_seen_by_another())
            yield row(number)

    with section(rows):
        pack = built(ask_for())
    assert [one[-2:] for one in seen] == [("Made up", 0), ("Made up", 2_000), ("Made up", 4_000)]
    assert {one[0] for one in seen} == {"building"}
    assert 0 < seen[0][1] < pack.steps_total
    assert (pack.state, pack.steps_done) == ("ready", pack.steps_total)
    assert _actions(pack) == ["requested", "built"]


def _seen_by_another() -> tuple[Any, ...]:
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT state, steps_done, step_label, rows_done FROM audit_auditpack")
            found: tuple[Any, ...] = cursor.fetchone()
            return found
    finally:
        other.close()


@COMMITS
def test_all_tables_are_of_one_moment() -> None:
    """What others commit while a pack is built is in none of its tables."""
    counted = []

    def rows(scope: PackScope) -> Iterator[dict[str, Any]]:
        for number in range(2):
            other = connections.create_connection("default")
            with other.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO access_team (name, slug, code) VALUES (%s, %s, %s)",
                    [f"N{number}", f"n{number}", f"N{number}"],
                )
            other.close()
            counted.append(Team.objects.count())
            yield row(number)

    with section(rows):
        assert built(ask_for()).state == "ready"
    assert counted == [0, 0]


@COMMITS
def test_a_pack_that_is_cancelled_while_it_is_built_stops_and_leaves_nothing() -> None:
    pack, person = ask_for(), make_person("compliance")
    written = []

    def rows(scope: PackScope) -> Iterator[dict[str, Any]]:
        for number in range(5 * lease.ROWS_BETWEEN):
            if number == lease.ROWS_BETWEEN:
                with _connection_of_their_own():
                    now = timezone.now()
                    packs.cancel_pack(actor=Actor.person(person), pack_id=pack.pk, now=now)
            written.append(number)
            yield row(number)

    with section(rows):
        built(pack)
    assert (pack.state, len(written)) == ("cancelled", 2 * lease.ROWS_BETWEEN)
    assert list(packs.folder().iterdir()) == []
    assert _actions(pack) == ["requested", "cancelled"]


@contextmanager
def _connection_of_their_own() -> Iterator[None]:
    """What the block does is done by somebody else, on another connection."""
    ours = connections["default"]
    theirs = connections["default"] = connections.create_connection("default")
    try:
        yield
    finally:
        theirs.close()
        connections["default"] = ours


@pytest.mark.django_db
def test_a_pack_is_cancelled_by_those_who_build_it_and_only_once() -> None:
    pack, now = ask_for(), timezone.now()
    with pytest.raises(NotAllowed):
        packs.cancel_pack(actor=Actor.person(make_person("board")), pack_id=pack.pk, now=now)
    actor = Actor.person(make_person("compliance"))
    assert packs.cancel_pack(actor=actor, pack_id=pack.pk, now=now).state == "cancelled"
    with pytest.raises(WrongState):
        packs.cancel_pack(actor=actor, pack_id=pack.pk, now=now)
    assert packs.begin(pack_id=str(pack.pk), now=now) is None


@COMMITS
def test_a_second_delivery_does_nothing() -> None:
    pack = ask_for()
    with lease.held(pack.pk) as first:
        assert first is not None
        assert built(pack).state == "requested"  # the other worker has it
    finished = built(pack)
    assert (finished.state, finished.attempts) == ("ready", 1)
    at, digest = finished.finished_at, finished.sha256
    assert (built(pack).finished_at, pack.sha256) == (at, digest)
    assert _actions(pack) == ["requested", "built"]


def _killed(pack: AuditPack) -> None:
    """A build during which the worker is told to die at once."""

    def rows(scope: PackScope) -> Iterator[dict[str, Any]]:
        yield row(1)
        raise SystemExit

    with section(rows), pytest.raises(SystemExit):
        built(pack)
    pack.refresh_from_db()
    assert pack.state == "building"


@COMMITS
def test_a_pack_whose_worker_died_is_built_again() -> None:
    pack = ask_for()
    _killed(pack)
    now = timezone.now()
    assert packs.keep_house(now=now) == []  # it may still be on its way
    late = now + QUEUED_AGAIN_AFTER * 2
    with lease.held(pack.pk):
        assert packs.keep_house(now=late) == []  # a slow worker is not a dead one
    assert packs.keep_house(now=late) == [str(pack.pk)]
    assert packs.keep_house(now=late) == []  # it is on the queue
    assert (built(pack).state, pack.attempts) == ("ready", 2)


@COMMITS
def test_a_pack_whose_workers_keep_dying_is_given_up_with_a_sentence() -> None:
    pack, now = ask_for(), timezone.now()
    for _ in range(MOST_ATTEMPTS):
        _killed(pack)
    assert packs.keep_house(now=now + QUEUED_AGAIN_AFTER * 2) == []
    pack.refresh_from_db()
    assert pack.state == "failed"
    assert "cut off 3 times, the last time at “Made up”" in pack.failure
    assert _actions(pack)[-1] == "failed"


@pytest.mark.django_db
def test_a_request_whose_message_was_lost_goes_on_the_queue_again() -> None:
    pack, now = ask_for(), timezone.now()
    assert packs.keep_house(now=now) == []
    assert packs.keep_house(now=now + QUEUED_AGAIN_AFTER * 2) == [str(pack.pk)]


@COMMITS
def test_a_pack_expires_and_its_file_goes() -> None:
    pack = built(ask_for())
    path, now = packs.folder() / pack.file_name, timezone.now()
    packs.keep_house(now=now)
    assert path.is_file()
    packs.keep_house(now=now + KEPT + timedelta(days=1))
    pack.refresh_from_db()
    assert (pack.state, path.exists()) == ("expired", False)
    assert _actions(pack) == ["requested", "built", "expired"]
    with pytest.raises(WrongState):
        packs.record_download(actor=Actor.system("tests"), pack=pack, now=now)


@COMMITS
def test_a_full_disk_is_told_and_leaves_nothing() -> None:
    pack = ask_for()
    endless = (row(number, text=f"{number}" * 300) for number in range(30_000))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with section(lambda scope: endless):
        # The system's own refusal of a further byte.
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
        try:
            built(pack)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert pack.state == "failed"
    assert pack.failure.startswith("There was no room left on the disk at “Made up”.")
    assert list(packs.folder().iterdir()) == []
    assert _actions(pack) == ["requested", "failed"]


@COMMITS
def test_a_section_that_breaks_is_named() -> None:
    def rows(scope: PackScope) -> Iterator[dict[str, Any]]:
        yield row(1, amount=0.5)  # a float has no exact form

    with section(rows):
        pack = built(ask_for())
    assert pack.state == "failed"
    assert "“Made up” could not be written (TypeError" in pack.failure
    assert list(packs.folder().iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_no_room_is_found_under_what_wraps_it(number: int) -> None:
    wrapped = RuntimeError("the workbook was not written")
    wrapped.__context__ = OSError(number, "no")
    assert building.reason_of(wrapped, "Calls").startswith("There was no room left")
    assert "could not be written" in building.reason_of(RuntimeError("x"), "Calls")


def _queued() -> list[str]:
    """The packs whose build waits on the queue, which is emptied."""
    found = []
    with app.connection_for_read() as broker:
        queue = broker.SimpleQueue("packs")
        while len(queue):
            message = queue.get(block=False)
            found.append(message.payload[0][0])
            message.ack()
        queue.close()
    return found


@COMMITS
def test_the_tasks_carry_a_pack_to_its_end(client: Client) -> None:
    client.force_login(make_person("compliance"))
    _queued()
    today = timezone.now().date()
    client.post(reverse("audit:request-pack"), {"starts_on": today, "ends_on": today})
    pack = AuditPack.objects.get()
    assert _queued() == [str(pack.pk)]
    AuditPack.objects.update(queued_at=timezone.now() - 2 * QUEUED_AGAIN_AFTER)
    tasks.keep_house()
    assert _queued() == [str(pack.pk)]
    tasks.build_pack(str(pack.pk))
    pack.refresh_from_db()
    assert pack.state == "ready"
    assert "governance.audit.tasks.keep_house" in BEAT_SCHEDULE
