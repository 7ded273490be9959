"""Datasets: registered and changed by stewards, named by use cases, never silently above them."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.test import Client

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.home.models import Notification
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed
from governance.registry import datasets
from governance.registry.models import Dataset, UseCase
from tests.factories.ledger import NOW, make_person, make_team, make_use_case
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


def form(steward: User, **changes: Any) -> dict[str, Any]:
    given = {
        "name": "Letters",
        "source": "Archive",
        "owner": steward.pk,
        "sensitivity": "internal",
        "has_personal_data": "on",
        "lawful_basis": "Contract",
        "licence": "Own",
        "retention": "Two years",
        "provenance": "Scanned in 2024.",
        "quality_notes": "Names are uneven.",
        "labelling_guideline": "Read twice.",
        "agreement": "κ 0.81",
    }
    return given | changes


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_a_steward_registers_one_with_everything_that_is_known(
    keeping: Client, steward: User
) -> None:
    assert keeping.get("/datasets/new/").status_code == 200
    made = keeping.post("/datasets/new/", form(steward))
    dataset = Dataset.objects.get()
    assert made["Location"] == f"/datasets/{dataset.pk}/"
    shown = text(keeping.get(made["Location"]))
    for words in (
        "Archive",
        "Contract",
        "Own",
        "Two years",
        "Scanned in 2024.",
        "Names are uneven.",
    ):
        assert words in shown
    assert "Read twice." in shown
    assert "κ 0.81" in shown
    assert "registered the dataset Letters" in shown
    assert "Letters" in text(keeping.get("/datasets/"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "Taken"}, "already exists"),
        ({"sensitivity": "secret"}, "Select a valid choice"),
        ({"provenance": "x" * 5001}, "at most 5000 characters"),
    ],
)
def test_what_does_not_fit_is_said_and_the_rest_kept(
    keeping: Client, steward: User, changes: dict[str, str], said: str
) -> None:
    make_dataset(name="Taken")
    refused = keeping.post("/datasets/new/", form(steward, **changes))
    assert refused.status_code == 422
    assert said in text(refused)
    assert "Names are uneven." in text(refused)
    assert Dataset.objects.count() == 1


def test_it_is_changed_with_its_history(keeping: Client, steward: User) -> None:
    dataset = make_dataset(owner=steward)
    url = f"/datasets/{dataset.pk}/edit/"
    assert 'value="Archive"' in text(keeping.get(url))
    keeping.post(url, form(steward, licence="CC-BY-4.0", version=1))
    dataset.refresh_from_db()
    assert (dataset.licence, dataset.version) == ("CC-BY-4.0", 2)
    event = AuditEvent.objects.get(action="dataset.changed")
    assert (event.before["licence"], event.after["licence"]) == ("", "CC-BY-4.0")
    assert "source" not in event.after
    assert "changed the dataset" in text(keeping.get(f"/datasets/{dataset.pk}/"))


def test_a_late_change_gets_the_difference_and_not_the_loss(keeping: Client, steward: User) -> None:
    dataset = make_dataset(owner=steward, licence="Theirs", version=2)
    url = f"/datasets/{dataset.pk}/edit/"
    late = keeping.post(url, form(steward, licence="Mine", version=1))
    assert late.status_code == 409
    assert "Theirs" in text(late)
    assert "Mine" in text(late)
    dataset.refresh_from_db()
    assert dataset.licence == "Theirs"
    assert 'name="version" value="2"' in text(late)
    keeping.post(url, form(steward, licence="Mine", version=2))
    dataset.refresh_from_db()
    assert dataset.licence == "Mine"


def test_nothing_to_change_writes_nothing(keeping: Client, steward: User) -> None:
    keeping.post("/datasets/new/", form(steward))
    dataset = Dataset.objects.get()
    keeping.post(f"/datasets/{dataset.pk}/edit/", form(steward, version=1))
    dataset.refresh_from_db()
    assert dataset.version == 1
    assert not AuditEvent.objects.filter(action="dataset.changed").exists()


def test_everybody_who_sees_use_cases_reads_and_only_stewards_write(
    signed_in: Client, owner: User
) -> None:
    dataset = make_dataset(owner=owner)
    for path in ("/datasets/", f"/datasets/{dataset.pk}/"):
        assert signed_in.get(path).status_code == 200
        assert "/edit/" not in text(signed_in.get(path))
    assert signed_in.get("/datasets/new/").status_code == 403
    assert signed_in.post(f"/datasets/{dataset.pk}/edit/", form(owner)).status_code == 403
    with pytest.raises(NotAllowed):
        datasets.change_dataset(
            actor=Actor.person(owner), dataset_id=dataset.pk, version=1, now=NOW, licence="x"
        )
    signed_in.force_login(make_person("reviewer"))
    assert signed_in.get("/datasets/").status_code == 403


def test_a_page_names_the_use_cases_in_reach_alone(signed_in: Client, use_case: UseCase) -> None:
    dataset = make_dataset()
    foreign = make_use_case(make_team(), title="A secret plan")
    dataset.use_cases.set([use_case, foreign])
    shown = text(signed_in.get(f"/datasets/{dataset.pk}/"))
    assert use_case.title in shown
    assert "A secret plan" not in shown


def test_raised_above_a_use_case_it_is_shown_on_both_pages_and_shuts_the_gate(
    keeping: Client, steward: User, use_case: UseCase, owner: User
) -> None:
    dataset = make_dataset("internal", owner=steward, name="Letters")
    dataset.use_cases.add(use_case)
    page, gates = f"/use-cases/{use_case.slug}/", f"/api/v1/use-cases/{use_case.slug}/stages/"
    at_stage(use_case, "assessed")

    def shut() -> list[str]:
        asked = keeping.get(gates).json()[0]["requirements"]
        return [one["text"] for one in asked if not one["is_met"] and "above" in one["text"]]

    assert shut() == []
    assert "above this use case" not in text(keeping.get(page))
    assert "below this data" not in text(keeping.get(f"/datasets/{dataset.pk}/"))
    raised = {"sensitivity": "regulated", "version": 1, "reason": "Names were found."}
    keeping.post(f"/datasets/{dataset.pk}/edit/", form(steward, **raised, confirmed="on"))
    assert shut() == ["data within its sensitivity: Letters is above internal."]
    assert "above this use case" in text(keeping.get(page))
    assert "Letters is above internal" in text(keeping.get(page))
    assert "below this data" in text(keeping.get(f"/datasets/{dataset.pk}/"))
    assert "above a use case" in text(keeping.get("/datasets/"))
    assert "Letters was raised from internal to regulated" in (
        Notification.objects.get(user=owner).title
    )


def test_the_list_is_searched_and_says_when_nothing_is_there(keeping: Client) -> None:
    assert "No dataset is registered yet" in text(keeping.get("/datasets/"))
    make_dataset("public", name="Licence files")
    assert "Licence files" in text(keeping.get("/datasets/?q=licence&sensitivity=public"))
    assert "No dataset is like that" in text(keeping.get("/datasets/?sensitivity=regulated"))
    assert keeping.get("/datasets/?q=%00").status_code == 400


def test_the_list_and_a_page_need_as_many_queries_for_three_as_for_one(keeping: Client) -> None:
    dataset = make_dataset()
    dataset.use_cases.add(make_use_case())
    pages = ("/datasets/", f"/datasets/{dataset.pk}/", "/api/v1/datasets/")
    for url in pages:
        keeping.get(url)
    one = [queries(partial(keeping.get, url)) for url in pages]
    for _ in range(2):
        make_dataset()
        dataset.use_cases.add(make_use_case())
    assert [queries(partial(keeping.get, url)) for url in pages] == one


def test_over_the_api_it_is_registered_read_and_changed(keeping: Client, steward: User) -> None:
    body = {"name": "Letters", "source": "Archive", "sensitivity": "internal"}
    made = keeping.post("/api/v1/datasets/", body, JSON)
    assert (made.status_code, made.json()["owner"]) == (201, steward.pk)
    url = f"/api/v1/datasets/{made.json()['id']}/"
    assert keeping.get(url)["ETag"] == '"1"'
    assert keeping.patch(url, {"licence": "CC0"}, content_type=JSON).status_code == 400
    first = {"If-Match": '"1"'}
    saved = keeping.patch(url, {"licence": "CC0"}, content_type=JSON, headers=first)
    assert (saved.json()["licence"], saved["ETag"]) == ("CC0", '"2"')
    late = keeping.patch(url, {"licence": "MIT"}, content_type=JSON, headers=first)
    assert late.status_code == 409
    wrong = keeping.patch(
        url, {"sensitivity": "secret"}, content_type=JSON, headers={"If-Match": '"2"'}
    )
    assert "sensitivity" in wrong.json()["errors"]
    assert "name" in keeping.post("/api/v1/datasets/", body, JSON).json()["errors"]
    assert [one["name"] for one in keeping.get("/api/v1/datasets/").json()["results"]] == [
        "Letters"
    ]
    assert keeping.get("/api/v1/datasets/0/").status_code == 404


def test_over_the_api_an_owner_reads_names_and_does_not_write(
    signed_in: Client, use_case: UseCase
) -> None:
    dataset = make_dataset()
    body = {"name": "Other", "source": "Archive", "sensitivity": "internal"}
    assert signed_in.post("/api/v1/datasets/", body, JSON).status_code == 403
    url = f"/api/v1/datasets/{dataset.pk}/"
    assert signed_in.get(url).status_code == 200
    assert signed_in.patch(url, {"licence": "CC0"}, content_type=JSON).status_code == 403
    naming = f"/api/v1/use-cases/{use_case.slug}/datasets/"
    named = signed_in.put(naming, {"datasets": [dataset.pk]}, content_type=JSON)
    assert named.json()["datasets"] == [dataset.pk]
    assert signed_in.put(naming, {"datasets": [0]}, content_type=JSON).status_code == 400
    assert AuditEvent.objects.filter(action="use_case.datasets_named").count() == 1


def test_only_known_fields_are_kept(steward: User) -> None:
    with pytest.raises(Invalid, match="colour"):
        datasets.register_dataset(
            actor=Actor.person(steward),
            name="Letters",
            source="Archive",
            sensitivity="internal",
            colour="red",
            now=NOW,
        )
