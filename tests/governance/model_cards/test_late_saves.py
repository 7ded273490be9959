"""Two people change one vendor or deployment: the later one sees the difference and chooses."""

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

from governance.access.late_saves import seen_of
from governance.approvals.models import ChangeRequest
from governance.kernel.errors import PlacetError
from governance.model_cards import services
from governance.model_cards.models import Deployment
from tests.factories.ledger import make_person
from tests.factories.organisation import world
from tests.factories.vendors import make_vendor

SEEN = re.compile(r'name="seen" value="([0-9a-f]{64})"')


def seen_in(reply: Any) -> str:
    found = SEEN.search(reply.content.decode())
    assert found
    return found[1]


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def typed_of(page: Any) -> dict[str, Any]:
    """The form as it was sent out."""
    form = page.context["form"]
    values = {name: form[name].value() for name in form.fields}
    as_list = {name: "\n".join(one) for name, one in values.items() if isinstance(one, list)}
    return {name: "" if one is None else one for name, one in (values | as_list).items()}


@pytest.mark.django_db
def test_vendor_terms_signed_meanwhile_stand_beside_what_was_typed() -> None:
    engineer = make_person("ml_engineer")
    vendor = make_vendor(engineer, make_person())
    client, path = signed_in(engineer), f"/models/vendors/{vendor.slug}/propose/"
    began = client.get(path)
    type(vendor).objects.filter(pk=vendor.pk).update(terms_version="Theirs")
    mine = typed_of(began) | {"terms_version": "Mine", "reason": "Read again."}
    late = client.post(path, mine)
    text = late.content.decode()
    assert late.status_code == 409
    assert "<td>Theirs</td><td>Mine</td>" in text and 'value="Mine"' in text
    assert not ChangeRequest.objects.filter(kind="vendor").exists()
    assert seen_in(late) != mine["seen"]


@pytest.mark.django_db
def test_facts_of_a_deployment_that_somebody_saved_meanwhile() -> None:
    here = world()
    engineer = here.people.users["ml_engineer"]
    standing = Deployment.objects.earliest("pk")
    made = services.create_deployment(
        actor=here.people.actor("ml_engineer"),
        now=here.now,
        card=standing.card,
        slug="second",
        name="Second",
        litellm_model="openai/small",
        endpoint="",
        region="",
        hosting="private",
        sensitivity_ceiling="internal",
        context_tokens=8192,
        timeout_seconds=60,
        concurrency_limit=8,
        secret="",
    )
    client, path = signed_in(engineer), "/models/deployments/second/change/"
    mine = typed_of(client.get(path)) | {"region": "mine"}
    Deployment.objects.filter(pk=made.pk).update(region="theirs")
    late = client.post(path, mine)
    assert late.status_code == 409
    assert "<td>theirs</td><td>mine</td>" in late.content.decode()
    assert client.post(path, mine | {"seen": seen_in(late)}).status_code == 302
    made.refresh_from_db()
    assert made.region == "mine"


@pytest.mark.django_db
def test_a_proposal_for_an_approved_deployment_is_made_from_what_was_read() -> None:
    here = world()
    standing = Deployment.objects.earliest("pk")
    client = signed_in(here.people.users["ml_engineer"])
    path = f"/models/deployments/{standing.slug}/change/"
    mine = typed_of(client.get(path)) | {"context_tokens": 16384, "reason": "A bigger window."}
    Deployment.objects.filter(pk=standing.pk).update(context_tokens=9000)
    late = client.post(path, mine)
    assert late.status_code == 409
    assert "<td>9000</td><td>16384</td>" in late.content.decode()
    open_changes = ChangeRequest.objects.filter(kind="deployment", state="open")
    assert not open_changes.exists()
    assert client.post(path, mine | {"seen": seen_in(late)}).status_code == 302
    assert open_changes.count() == 1


@pytest.mark.django_db
def test_the_api_of_a_deployment_names_what_a_change_was_made_from() -> None:
    here = world()
    client = signed_in(here.people.users["ml_engineer"])
    path = f"/api/v1/deployments/{Deployment.objects.earliest('pk').slug}/"

    def patch(etag: str, seconds: int) -> Any:
        body, headers = {"timeout_seconds": seconds}, {"If-Match": etag}
        return client.patch(path, body, "application/json", headers=headers)

    etag = client.get(path)["ETag"]
    first, second = patch(etag, 30), patch(etag, 40)
    assert (first.status_code, second.status_code) == (200, 409)
    assert second.json()["code"] == "conflict"
    assert Deployment.objects.earliest("pk").timeout_seconds == 30
    assert patch(first["ETag"], 40).json()["timeout_seconds"] == 40


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
def test_of_two_changes_of_a_deployment_at_once_one_is_told() -> None:
    here = world()
    standing = Deployment.objects.earliest("pk")
    actor, seen = here.people.actor("ml_engineer"), seen_of(services.all_facts(standing))

    def wait(seconds: int) -> Callable[[], object]:
        return lambda: services.change_deployment(
            actor=actor,
            deployment_id=standing.pk,
            now=timezone.now(),
            seen=seen,
            timeout_seconds=seconds,
        )

    assert at_once(wait(31), wait(32)) == ["Conflict", "done"]
