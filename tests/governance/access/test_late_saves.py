"""Two people edit one record: the later one gets the difference and loses nothing."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from governance.access import services
from governance.access.late_saves import seen_of
from governance.access.models import Team, User
from governance.kernel.authority import Actor
from governance.kernel.errors import PlacetError
from reviews.queues.forms import form_values
from reviews.queues.models import Queue
from reviews.queues.upkeep import change_queue, queue_facts
from tests.factories.ledger import make_person, make_team
from tests.factories.reviews import make_queue, signed_in

SEEN = re.compile(r'name="seen" value="([0-9a-f]{64})"')


def seen_in(reply: Any) -> str:
    found = SEEN.search(reply.content.decode())
    assert found
    return found[1]


def with_etag(client: Client, path: str, etag: str, body: dict[str, Any]) -> Any:
    return client.patch(path, body, content_type="application/json", headers={"If-Match": etag})


@pytest.mark.django_db
def test_a_team_that_somebody_renamed_shows_both_names_and_then_a_choice() -> None:
    team = make_team()
    client = signed_in(make_person("administrator"))
    path = f"/teams/{team.slug}/edit/"
    began = seen_in(client.get(path))
    services.change_team(
        actor=Actor.system("t"), team_id=team.pk, name="Theirs", now=timezone.now()
    )
    late = client.post(path, {"name": "Mine", "seen": began})
    text = late.content.decode()
    assert late.status_code == 409
    assert "<td>Theirs</td><td>Mine</td>" in text
    assert 'value="Mine"' in text
    assert Team.objects.get(pk=team.pk).name == "Theirs"
    chosen = client.post(path, {"name": "Mine", "seen": seen_in(late)})
    assert chosen.status_code == 302
    assert Team.objects.get(pk=team.pk).name == "Mine"


@pytest.mark.django_db
def test_an_api_change_of_a_team_names_what_it_was_made_from() -> None:
    team = make_team()
    client = signed_in(make_person("administrator"))
    path = f"/api/v1/teams/{team.slug}/"
    etag = client.get(path)["ETag"]
    first = with_etag(client, path, etag, {"name": "First"})
    second = with_etag(client, path, etag, {"name": "Second"})
    assert (first.status_code, second.status_code) == (200, 409)
    assert second.json()["code"] == "conflict"
    third = with_etag(client, path, first["ETag"], {"name": "Third"})
    assert third.json()["name"] == "Third"


@pytest.mark.django_db
def test_ones_own_account_from_two_windows() -> None:
    user = make_person()
    client = signed_in(user)
    began = seen_in(client.get("/account/"))
    zone = {"time_zone": "UTC", "seen": began}
    assert client.post("/account/", zone | {"name": "One"}).status_code == 302
    late = client.post("/account/", zone | {"name": "Two"})
    assert late.status_code == 409
    assert User.objects.get(pk=user.pk).name == "One"


@pytest.mark.django_db
def test_queue_settings_show_what_was_saved_meanwhile() -> None:
    queue = make_queue()
    client = signed_in(make_person("safety"))
    path = f"/reviews/{queue.slug}/settings/"
    began = seen_in(client.get(path))
    Queue.objects.filter(pk=queue.pk).update(guideline="Theirs")
    values = form_values(queue) | {"use_cases": [], "is_default": "", "escalates_to": ""}
    values |= {"sla": queue.sla_id, "needs_acknowledgement": ""}
    late = client.post(path, values | {"guideline": "Mine", "seen": began})
    assert late.status_code == 409
    assert "<td>Theirs</td><td>Mine</td>" in late.content.decode()
    assert (
        client.post(path, values | {"guideline": "Mine", "seen": seen_in(late)}).status_code == 302
    )
    assert Queue.objects.get(pk=queue.pk).guideline == "Mine"


def at_once(*works: Callable[[], object]) -> list[str]:
    """Run them together; "done", or the name of the refusal, sorted."""
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> str:
        barrier.wait()
        try:
            work()
        except PlacetError as refused:
            return type(refused).__name__
        else:
            return "done"
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return sorted(pool.map(run, works))


@pytest.mark.django_db(transaction=True)
def test_of_two_renames_at_once_one_is_told() -> None:
    team = make_team()
    seen, now = seen_of(services.team_facts(team)), timezone.now()

    def rename(name: str) -> Callable[[], object]:
        return lambda: services.change_team(
            actor=Actor.system("t"), team_id=team.pk, name=name, seen=seen, now=now
        )

    assert at_once(rename("One"), rename("Two")) == ["Conflict", "done"]


@pytest.mark.django_db(transaction=True)
def test_of_two_guidelines_at_once_one_is_told() -> None:
    queue = make_queue()
    seen = seen_of(queue_facts(queue))

    def write(guideline: str) -> Callable[[], object]:
        return lambda: change_queue(
            actor=Actor.system("t"),
            queue_id=queue.pk,
            name=queue.name,
            guideline=guideline,
            labels=[],
            use_cases=[],
            is_default=queue.is_default,
            escalates_to=None,
            now=timezone.now(),
            seen=seen,
        )

    assert at_once(write("One"), write("Two")) == ["Conflict", "done"]
