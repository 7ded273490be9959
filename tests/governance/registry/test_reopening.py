"""A raised dataset re-opens what rests on it; a lowered one re-opens nothing."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from governance.access.models import User
from governance.approvals import services as approvals
from governance.approvals.models import Approval, ChangeRequest
from governance.audit.models import AuditEvent
from governance.home.models import Notification
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, PlacetError
from governance.model_cards.models import ModelCard
from governance.registry import assessments, datasets
from governance.registry.models import Dataset, UseCase
from governance.registry.risk_standing import risk_standing
from prompts.gateway.demo import organisation as demo
from tests.factories.ledger import make_deployment, make_person, make_team, make_use_case
from tests.factories.organisation import world
from tests.factories.registry import make_dataset, queries
from tests.factories.stages import at_stage

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def steward() -> User:
    return make_person("data_steward")


@pytest.fixture
def keeping(client: Client, steward: User) -> Client:
    client.force_login(steward)
    return client


def change(dataset: Dataset, steward: User, sensitivity: str, **more: Any) -> Dataset:
    given: dict[str, Any] = {"reason": "Names were found.", "confirmed": True}
    return datasets.change_dataset(
        actor=Actor.person(steward),
        dataset_id=dataset.pk,
        version=Dataset.objects.get(pk=dataset.pk).version,
        sensitivity=sensitivity,
        now=timezone.now(),
        **(given | more),
    )


def due(use_case: UseCase) -> tuple[str, ...]:
    use_case.refresh_from_db()
    return risk_standing(use_case, Actor.person(use_case.owner), timezone.now()).due


def assess(use_case: UseCase) -> None:
    assessments.assess_risk(
        actor=Actor.person(use_case.owner), use_case=use_case, answers={}, now=timezone.now()
    )


def test_it_is_assessed_again_even_when_the_data_stays_within_its_sensitivity(
    steward: User, use_case: UseCase, owner: User
) -> None:
    dataset = make_dataset("public", name="Letters")
    dataset.use_cases.add(use_case)
    assess(use_case)
    assert due(use_case) == ()
    change(dataset, steward, "internal")
    assert due(use_case) == ("its data Letters was public and is internal",)
    assert "Assess again" in Notification.objects.get(user=owner).title
    assess(use_case)
    assert due(use_case) == ()


def test_a_lower_one_re_opens_nothing_and_says_why(steward: User, use_case: UseCase) -> None:
    dataset = make_dataset("regulated", name="Letters")
    dataset.use_cases.add(use_case)
    assess(use_case)
    with pytest.raises(Invalid) as refused:
        change(dataset, steward, "internal", reason=" ")
    assert "reason" in refused.value.fields
    change(dataset, steward, "internal", reason="The names were removed.")
    assert due(use_case) == ()
    event = AuditEvent.objects.get(action="dataset.changed")
    assert (event.reason, event.after) == ("The names were removed.", {"sensitivity": "internal"})


def test_a_retired_use_case_is_left_alone(steward: User, use_case: UseCase) -> None:
    dataset = make_dataset("public")
    dataset.use_cases.add(use_case)
    at_stage(use_case, "retired")
    change(dataset, steward, "internal", confirmed=False)
    use_case.refresh_from_db()
    assert use_case.reopened_at is None


def test_the_page_says_in_numbers_what_is_re_opened_and_asks(
    keeping: Client, steward: User, use_case: UseCase
) -> None:
    dataset = make_dataset("internal", owner=steward, name="Letters")
    dataset.use_cases.add(use_case)
    url = f"/datasets/{dataset.pk}/edit/"
    sent = {
        "name": "Letters",
        "source": "A new archive",
        "owner": steward.pk,
        "sensitivity": "regulated",
        "version": 1,
    }
    assert keeping.post(url, sent).status_code == 422
    asked = keeping.post(url, sent | {"reason": "Names were found."})
    shown = asked.content.decode()
    assert asked.status_code == 200
    assert "<dt>Use cases to assess again</dt><dd>1</dd>" in shown
    assert use_case.title in shown
    assert 'value="A new archive"' in shown
    dataset.refresh_from_db()
    assert (dataset.sensitivity, dataset.source) == ("internal", "Archive")
    keeping.post(url, sent | {"reason": "Names were found.", "confirmed": "on"})
    dataset.refresh_from_db()
    assert (dataset.sensitivity, dataset.source) == ("regulated", "A new archive")


def test_cards_are_linked_shown_and_flagged(keeping: Client, steward: User) -> None:
    card = make_deployment().card
    dataset = make_dataset("internal", owner=steward, name="Letters")
    page = f"/datasets/{dataset.pk}/"
    assert "No model is known" in keeping.get(page).content.decode()
    keeping.post(f"{page}cards/", {"cards": [card.slug]})
    assert "written before the raise" not in keeping.get(page).content.decode()
    change(dataset, steward, "regulated")
    assert "written before the raise" in keeping.get(page).content.decode()
    keeping.force_login(make_person("ml_engineer"))
    assert "It was trained on Letters" in keeping.get(f"/models/cards/{card.pk}/").content.decode()
    newer = ModelCard.objects.get(pk=card.pk)
    newer.pk, newer.version = None, 2
    newer.created_at = timezone.now() + timedelta(seconds=1)
    newer.save()
    assert "It was trained on" not in keeping.get(f"/models/cards/{newer.pk}/").content.decode()


def test_over_the_api_it_is_previewed_confirmed_and_traced(
    keeping: Client, steward: User, use_case: UseCase
) -> None:
    card = make_deployment().card
    dataset = make_dataset("internal", owner=steward)
    dataset.use_cases.add(use_case)
    url = f"/api/v1/datasets/{dataset.pk}/"
    named = keeping.put(f"{url}lineage/", {"cards": [card.slug]}, content_type=JSON)
    assert named.json() == {
        "use_cases": [use_case.slug],
        "cards": [card.slug],
        "flagged_cards": [],
    }
    unknown = keeping.put(f"{url}lineage/", {"cards": ["nothing"]}, content_type=JSON)
    assert unknown.status_code == 400
    preview = keeping.get(f"{url}reopening/?sensitivity=regulated").json()
    assert preview == {"use_cases": 1, "changes": 0, "approvals": 0, "cards": 1}
    assert keeping.get(f"{url}reopening/?sensitivity=public").json()["use_cases"] == 0
    assert keeping.get(f"{url}reopening/?sensitivity=x").status_code == 400
    first, sent = {"If-Match": '"1"'}, {"sensitivity": "regulated", "reason": "Names."}
    asked = keeping.patch(url, sent, content_type=JSON, headers=first)
    assert (asked.status_code, asked.json()["code"]) == (409, "unconfirmed")
    done = keeping.patch(url, sent | {"confirmed": True}, content_type=JSON, headers=first)
    assert done.json()["sensitivity"] == "regulated"
    assert keeping.get(f"{url}lineage/").json()["flagged_cards"] == [card.slug]


def test_a_page_and_a_preview_need_as_many_queries_for_three_as_for_one(
    keeping: Client, steward: User
) -> None:
    dataset = make_dataset("internal", owner=steward)
    pages = (
        f"/datasets/{dataset.pk}/",
        f"/api/v1/datasets/{dataset.pk}/reopening/?sensitivity=regulated",
    )

    def more() -> None:
        dataset.use_cases.add(make_use_case(make_team()))
        dataset.card_links.create(card_slug=make_deployment().card.slug)

    more()
    for url in pages:
        keeping.get(url)
    one = [queries(partial(keeping.get, url)) for url in pages]
    more()
    more()
    assert [queries(partial(keeping.get, url)) for url in pages] == one


@pytest.mark.django_db(transaction=True)
def test_a_raise_and_a_decision_at_once_never_leave_an_approval_above_its_data() -> None:
    here = world()
    now = datetime.now(UTC)
    at_stage(here.use_case, "approved")
    here.use_case.refresh_from_db()
    change_ = demo.registry.propose_stage(
        actor=here.people.actor("owner"),
        use_case=here.use_case,
        target="pilot",
        pilot_days=14,
        pilot_success="Nine of ten answers stand as they are.",
        reason="Again.",
        now=now,
    )
    assert isinstance(change_, ChangeRequest)
    slots = list(change_.slots.prefetch_related("eligible"))
    roles = {"sign_board": "board", "sign_compliance": "compliance"}
    *first, last = [roles[one.permission] for one in slots]

    def sign(role: str) -> str:
        try:
            approvals.decide(
                actor=here.people.actor(role),
                change_id=change_.pk,
                outcome="approve",
                rationale="Fits.",
                digest_seen=change_.digest,
                now=now,
            )
        except PlacetError as refusal:
            return refusal.code
        return "signed"

    for role in first:
        assert sign(role) == "signed"
    dataset = Dataset.objects.get()
    barrier = threading.Barrier(2)

    def run(work: Any) -> Any:
        connection.ensure_connection()
        barrier.wait()
        try:
            return work()
        finally:
            connection.close()

    raised = partial(change, dataset, here.people.users["data_steward"], "regulated")
    with ThreadPoolExecutor(2) as pool:
        signed, _ = list(pool.map(run, [partial(sign, last), raised]))
    change_.refresh_from_db()
    standing = Approval.objects.filter(
        kind="use_case_stage", subject_id=here.use_case.pk, state="in_force"
    )
    assert not standing.exists()
    assert (signed, change_.state) in {
        ("signed", "applied"),
        ("wrong_state", "stale"),
        ("stale", "stale"),
    }
