"""The checklist: who does what, what shows it, and what may wait until when."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from governance.access.models import Team, User
from governance.audit.models import AuditEvent
from governance.home.models import Notification
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.registry import checking, checklist, tasks
from governance.registry.checklist import ItemState, is_link, state_of
from governance.registry.checklist_standing import today_of
from governance.registry.hooks import checklist_items
from governance.registry.models import ChecklistItem, UseCase
from governance.registry.rules import ITEMS_FROM, PHASES
from governance.registry.services import start_use_case
from tests.factories.ledger import make_person
from tests.factories.registry import queries
from tests.factories.stages import at_stage

DAY = date(2026, 11, 18)


@pytest.fixture
def item(use_case: UseCase) -> ChecklistItem:
    return ChecklistItem.objects.create(
        use_case=use_case, key="abuse", phase="safety", text="Abuse cases tried", stage="pilot"
    )


def waive(item: ChecklistItem, who: User, now: datetime, **facts: Any) -> ChecklistItem:
    given: dict[str, Any] = {"reason": "Nobody outside sees it.", "until": now.date()}
    given["until"] += timedelta(days=30)
    actor = Actor.person(who)
    return checking.waive_item(actor=actor, item_id=item.pk, now=now, **(given | facts))


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_every_phase_asks_for_two_to_four_things_and_each_has_its_gate() -> None:
    counts = {phase: [one.phase for one in checklist.ASKED].count(phase) for phase in PHASES}
    assert set(counts.values()) <= {2, 3, 4}
    assert {one.stage for one in checklist.ASKED} == ITEMS_FROM
    assert len(checklist.BY_KEY) == len(checklist.ASKED)


@pytest.mark.parametrize(
    ("is_done", "until", "state"),
    [
        (False, None, ItemState.OPEN),
        (True, None, ItemState.DONE),
        (True, DAY - timedelta(days=1), ItemState.DONE),
        (False, DAY, ItemState.WAIVED),
        (False, DAY - timedelta(days=1), ItemState.RAN_OUT),
    ],
)
def test_a_waiver_holds_to_the_end_of_its_day(
    is_done: bool, until: date | None, state: ItemState
) -> None:
    assert state_of(is_done=is_done, waived_until=until, today=DAY) == state


@pytest.mark.parametrize(
    ("link", "leads"),
    [
        ("/calls/7/", True),
        ("https://wiki.example/page?x=1", True),
        ("http://wiki.example/", False),
        ("//wiki.example/", False),
        ("javascript:alert(1)", False),
        ("https://", False),
        ("https://[", False),
        ('/"><b>', False),
        ("/a b", False),
        ("/\\wiki.example", False),
    ],
)
def test_a_link_leads_here_or_to_https(link: str, leads: bool) -> None:
    assert is_link(link) is leads


def test_a_new_use_case_has_the_whole_checklist(team: Team, owner: User, now: datetime) -> None:
    made = start_use_case(actor=Actor.person(owner), title="Letters", team=team, now=now)
    assert set(made.checklist.values_list("key", flat=True)) == checklist.BY_KEY.keys()


def test_an_item_is_given_to_somebody_who_is_told_and_finds_it(
    signed_in: Client, use_case: UseCase, item: ChecklistItem, safety: User, now: datetime
) -> None:
    url = f"/use-cases/{use_case.slug}/checklist/{item.pk}/"
    assert signed_in.post(f"{url}owner/", {"owner": str(safety.pk)}).status_code == 302
    assert Notification.objects.get(user=safety).url == url
    assert [one.url for one in checklist_items(safety, now)] == [url]
    assert safety.name in text(signed_in.get(f"/use-cases/{use_case.slug}/"))
    assert AuditEvent.objects.filter(action="use_case.item_assigned").count() == 1


def test_only_who_sees_the_use_case_may_own_an_item(
    signed_in: Client, use_case: UseCase, item: ChecklistItem
) -> None:
    url = f"/use-cases/{use_case.slug}/checklist/{item.pk}/owner/"
    refused = signed_in.post(url, {"owner": str(make_person().pk)})
    assert refused.status_code == 422
    assert "Choose somebody who sees this use case." in text(refused)
    item.refresh_from_db()
    assert item.owner is None


def test_its_owner_finishes_it_with_a_link(
    client: Client, use_case: UseCase, item: ChecklistItem, owner: User, safety: User, now: datetime
) -> None:
    checking.assign_item(actor=Actor.person(owner), item_id=item.pk, owner=safety, now=now)
    client.force_login(safety)
    url = f"/use-cases/{use_case.slug}/checklist/{item.pk}/"
    refused = client.post(url, {"evidence_link": "http://x.example", "evidence": "Kept words"})
    assert refused.status_code == 422
    assert "Kept words" in text(refused)
    assert "A page here" in text(refused)
    assert client.post(url, {"evidence_link": "/calls/"}).status_code == 302
    assert '<a href="/calls/"' in text(client.get(f"/use-cases/{use_case.slug}/"))
    assert checklist_items(safety, now) == []


def test_nothing_is_done_without_evidence_or_by_a_stranger(
    item: ChecklistItem, owner: User, safety: User, now: datetime
) -> None:
    with pytest.raises(Invalid):
        checking.finish_item(actor=Actor.person(owner), item_id=item.pk, evidence=" ", now=now)
    with pytest.raises(NotAllowed):
        checking.finish_item(actor=Actor.person(safety), item_id=item.pk, evidence="x", now=now)


def test_a_waiver_says_who_why_and_until(
    client: Client, use_case: UseCase, item: ChecklistItem, safety: User, now: datetime
) -> None:
    client.force_login(safety)
    url = f"/use-cases/{use_case.slug}/checklist/{item.pk}/waiver/"
    until = today_of(now) + timedelta(days=180)
    assert client.post(url, {"waiver_reason": "Later.", "until": str(until)}).status_code == 302
    item.refresh_from_db()
    assert (item.waived_by, item.waived_until) == (safety, until)
    page = text(client.get(f"/use-cases/{use_case.slug}/"))
    assert f"waived by {safety.name} until {until:%d %b %Y}: Later." in page
    assert Notification.objects.filter(user=use_case.owner).count() == 1


@pytest.mark.parametrize("days", [0, 181])
def test_a_waiver_ends_within_half_a_year(
    client: Client, use_case: UseCase, item: ChecklistItem, safety: User, now: datetime, days: int
) -> None:
    client.force_login(safety)
    url = f"/use-cases/{use_case.slug}/checklist/{item.pk}/waiver/"
    until = today_of(now) + timedelta(days=days)
    refused = client.post(url, {"waiver_reason": "Kept words", "until": str(until)})
    assert refused.status_code == 422
    assert "at the latest" in text(refused)
    assert "Kept words" in text(refused)


def test_nobody_waives_their_own_item(
    item: ChecklistItem, owner: User, safety: User, now: datetime
) -> None:
    checking.assign_item(actor=Actor.person(owner), item_id=item.pk, owner=safety, now=now)
    for person in (safety, owner, make_person("finance")):
        with pytest.raises(NotAllowed):
            waive(item, person, now)
    other = make_person("compliance")
    waive(item, other, now)
    with pytest.raises(Invalid, match="nobody owns what they waived"):
        checking.assign_item(actor=Actor.person(owner), item_id=item.pk, owner=other, now=now)
    with pytest.raises(IntegrityError, match="nobody_waives_their_own"), transaction.atomic():
        ChecklistItem.objects.filter(pk=item.pk).update(owner=other)


def test_the_evaluation_is_not_waived_and_done_is_done(
    use_case: UseCase, item: ChecklistItem, owner: User, safety: User, now: datetime
) -> None:
    evaluation = ChecklistItem.objects.create(
        use_case=use_case, key="evaluation", phase="evaluation", text="Evaluated"
    )
    with pytest.raises(WrongState, match="without this"):
        waive(evaluation, safety, now)
    checking.finish_item(actor=Actor.person(owner), item_id=item.pk, evidence="x", now=now)
    with pytest.raises(WrongState, match="done already"):
        waive(item, safety, now)


def test_a_waiver_that_ran_out_is_told_once_and_opens_the_item(
    use_case: UseCase, item: ChecklistItem, owner: User, safety: User, now: datetime
) -> None:
    waive(item, safety, now)
    after = now + timedelta(days=31)
    Notification.objects.all().delete()
    assert checklist_items(owner, now) == []
    assert [checking.tell_of_waivers(now=one) for one in (now, after, after)] == [0, 1, 0]
    assert "ran out" in Notification.objects.get(user=owner).title
    assert "its waiver ran out" in checklist_items(owner, after)[0].detail
    assert AuditEvent.objects.filter(action="use_case.waiver_ran_out").count() == 1
    waive(item, safety, after)
    assert checking.tell_of_waivers(now=after + timedelta(days=31)) == 1


def test_the_nightly_task_tells_of_waivers(
    item: ChecklistItem, owner: User, safety: User, now: datetime
) -> None:
    waive(item, safety, now - timedelta(days=40))
    tasks.keep_house()
    assert Notification.objects.filter(user=owner, title__contains="ran out").exists()


def test_a_retired_use_case_asks_for_nothing_more(
    use_case: UseCase, item: ChecklistItem, owner: User, safety: User, now: datetime
) -> None:
    waive(item, safety, now)
    at_stage(use_case, "retired")
    assert checking.tell_of_waivers(now=now + timedelta(days=40)) == 0
    assert checklist_items(owner, now + timedelta(days=40)) == []
    with pytest.raises(WrongState, match="retired"):
        checking.finish_item(actor=Actor.person(owner), item_id=item.pk, evidence="x", now=now)


def test_my_work_asks_as_often_for_three_items_as_for_one(
    use_case: UseCase, owner: User, now: datetime
) -> None:
    def one_more(key: str) -> None:
        ChecklistItem.objects.create(use_case=use_case, key=key, phase="data", owner=owner)

    one_more("first")
    assert queries(lambda: checklist_items(owner, now)) == 1
    one_more("second")
    one_more("third")
    assert queries(lambda: checklist_items(owner, now)) == 1
    assert len(checklist_items(owner, now)) == 3


def test_the_api_gives_finishes_and_waives(
    client: Client, use_case: UseCase, item: ChecklistItem, owner: User, safety: User, now: datetime
) -> None:
    url = f"/api/v1/use-cases/{use_case.slug}/checklist/"
    client.force_login(owner)
    sent = {"owner": owner.pk}
    given = client.post(f"{url}{item.pk}/owner/", sent, "application/json")
    assert given.json()["owner"] == owner.pk
    client.force_login(safety)
    until = str(today_of(now) + timedelta(days=9))
    sent_waiver = {"reason": "Later.", "until": until}
    waived = client.post(f"{url}{item.pk}/waiver/", sent_waiver, "application/json")
    assert waived.json()["state"] == "waived"
    client.force_login(owner)
    done = client.post(f"{url}{item.pk}/done/", {"link": "/calls/"}, "application/json")
    assert (done.json()["state"], done.json()["evidence_link"]) == ("done", "/calls/")
    assert (
        client.post(f"{url}{item.pk}/waiver/", sent_waiver, "application/json").status_code == 403
    )
