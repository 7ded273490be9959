"""Notices for end users: proposed, signed, in force from their day, served to the application."""

from __future__ import annotations

import importlib
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.utils import timezone

from governance.access.keys import create_api_key
from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.services import decide
from governance.approvals.standing import end_approval
from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict, Invalid, NotAllowed
from governance.registry import disclosures, language
from governance.registry.disclosure_views import SEEN
from governance.registry.models import Disclosure, UseCase
from governance.registry.selectors import gate_facts
from prompts.gateway.demo import organisation as demo
from tests.factories.ledger import make_person, make_team, make_use_case
from tests.factories.organisation import World, world
from tests.factories.registry import queries

pytestmark = pytest.mark.django_db
JSON = "application/json"
ADDRESS = "/api/v1/disclosure/"


@pytest.fixture
def here() -> World:
    return world()


def propose(here: World, now: datetime | None = None, **facts: Any) -> ChangeRequest:
    given: dict[str, Any] = {
        "language": "en",
        "text": "A model wrote this. A lawyer read it.",
        "place": "Above the answer",
        "effective_from": None,
        "reason": "It must be said.",
    }
    return disclosures.propose_disclosure(
        actor=here.people.actor("owner"),
        use_case=here.use_case,
        now=now or timezone.now(),
        **(given | facts),
    )


def signed(here: World, **facts: Any) -> Disclosure:
    change = propose(here, **facts)
    demo.sign(here.people, change, timezone.now())
    return Disclosure.objects.get(pk=change.subject_id)


def fetch(client: Client, here: World, query: str = "", **headers: str) -> Any:
    return client.get(ADDRESS + query, headers={"Authorization": f"Bearer {here.key}", **headers})


def test_the_next_version_is_signed_by_compliance_and_takes_the_place(here: World) -> None:
    first = Disclosure.objects.get()
    second = signed(here)
    first.refresh_from_db()
    assert (first.state, second.state, second.version) == ("replaced", "approved", 2)
    change = ChangeRequest.objects.get(kind="disclosure", subject_id=second.pk)
    assert [slot.permission for slot in change.slots.all()] == ["sign_compliance"]
    states = Approval.objects.filter(kind="disclosure").values_list("subject_id", "state")
    assert dict(states) == {first.pk: "superseded", second.pk: "in_force"}


def test_at_high_risk_the_board_signs_too(here: World) -> None:
    UseCase.objects.filter(pk=here.use_case.pk).update(tier="high")
    change = propose(here)
    assert {slot.permission for slot in change.slots.all()} == {"sign_compliance", "sign_board"}


def test_what_does_not_fit_is_said_field_by_field(here: World) -> None:
    with pytest.raises(Invalid) as refused:
        propose(
            here,
            language="?",
            text="x" * 2001,
            place=" ",
            effective_from=date(2020, 1, 1),
        )
    assert set(refused.value.fields) == {"language", "text", "place", "effective_from"}
    assert Disclosure.objects.count() == 1
    with pytest.raises(NotAllowed):
        disclosures.propose_disclosure(
            actor=here.people.actor("reviewer"),
            use_case=here.use_case,
            language="en",
            text="x",
            place="x",
            effective_from=None,
            reason="x",
            now=timezone.now(),
        )


def test_while_undecided_it_is_revised_by_its_proposer(here: World) -> None:
    change = propose(here)
    again = propose(here, text="Shorter.")
    assert (again.pk, again.revision) == (change.pk, change.revision + 1)
    assert Disclosure.objects.get(state="draft").text == "Shorter."
    other = make_person("owner", here.use_case.team)
    with pytest.raises(NotAllowed):
        disclosures.propose_disclosure(
            actor=Actor.person(other),
            use_case=here.use_case,
            language="en",
            text="Mine.",
            place="x",
            effective_from=None,
            reason="x",
            now=timezone.now(),
        )
    assert Disclosure.objects.get(state="draft").text == "Shorter."


def test_a_decision_on_words_that_changed_is_not_counted(here: World) -> None:
    change = propose(here)
    Disclosure.objects.filter(pk=change.subject_id).update(text="Something else")
    with pytest.raises(Conflict):
        decide(
            actor=here.people.actor("compliance"),
            change_id=change.pk,
            outcome="approve",
            rationale="Read.",
            digest_seen=change.digest,
            now=timezone.now(),
        )


def test_one_of_a_later_day_waits_and_then_replaces(here: World) -> None:
    today = disclosures.today_of(timezone.now())
    first = Disclosure.objects.get()
    later = signed(here, effective_from=today + timedelta(days=3))
    assert list(Disclosure.objects.in_force(today)) == [first]
    assert disclosures.replace_those_past(now=timezone.now()) == 0
    after = timezone.now() + timedelta(days=3)
    assert list(Disclosure.objects.in_force(after.date())) == [later]
    assert disclosures.replace_those_past(now=after) == 1
    first.refresh_from_db()
    assert first.state == "replaced"
    assert Approval.objects.get(kind="disclosure", subject_id=first.pk).state == "superseded"


def test_it_goes_with_its_approval_and_comes_back_with_it(here: World, client: Client) -> None:
    approval = Approval.objects.get(kind="disclosure")
    asked: dict[str, Any] = {
        "actor": here.people.actor("compliance"),
        "approval_id": approval.pk,
        "reason": "Wrong words.",
        "now": timezone.now(),
    }
    end_approval(**asked, action="suspend")
    gone = fetch(client, here)
    assert (gone.status_code, gone.json()["code"]) == (404, "no_disclosure")
    assert gone["Content-Type"] == "application/problem+json"
    end_approval(**asked, action="resume")
    assert fetch(client, here).status_code == 200


def test_the_application_gets_the_notice_in_its_readers_language(
    here: World, client: Client
) -> None:
    signed(here, language="de", text="Ein Modell schrieb dies.")
    assert fetch(client, here).json()["language"] == "en"
    german = fetch(client, here, **{"Accept-Language": "fr, de-AT;q=0.8, en;q=0.5"})
    assert (german.json()["text"], german["Content-Language"]) == ("Ein Modell schrieb dies.", "de")
    assert "Accept-Language" in german["Vary"]
    assert fetch(client, here, "?language=de").json()["language"] == "de"
    other = fetch(client, here, "?language=fr")
    assert (other.status_code, other.json()["code"]) == (404, "no_disclosure_in_language")
    assert "There is one in en, de" in str(other.json())


def test_it_is_not_sent_again_while_nothing_changed(here: World, client: Client) -> None:
    first = fetch(client, here)
    again = fetch(client, here, **{"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    signed(here)
    assert fetch(client, here, **{"If-None-Match": first["ETag"]}).status_code == 200


def test_only_a_live_key_gets_it_and_only_of_its_own_use_case(here: World, client: Client) -> None:
    assert client.get(ADDRESS).status_code in (401, 403)
    client.force_login(here.people.users["owner"])
    assert client.get(ADDRESS).status_code == 403
    other = make_use_case(here.use_case.team)
    _, secret = create_api_key(
        actor=here.people.actor("owner"),
        use_case_id=other.pk,
        use_case_slug=other.slug,
        team=other.team,
        name="Other",
        now=timezone.now(),
    )
    client.logout()
    answer = client.get(ADDRESS, headers={"Authorization": f"Bearer {secret}"})
    assert answer.json()["code"] == "no_disclosure"


def test_when_it_was_shown_is_written_once_an_hour_at_most(here: World) -> None:
    now, notice = timezone.now(), Disclosure.objects.get()
    disclosures.note_fetch(notice, now)
    disclosures.note_fetch(notice, now + timedelta(minutes=59))
    notice.refresh_from_db()
    assert notice.fetched_at == now
    assert queries(partial(disclosures.note_fetch, notice, now + timedelta(minutes=30))) == 0
    disclosures.note_fetch(notice, now + timedelta(minutes=61))
    notice.refresh_from_db()
    assert notice.fetched_at == now + timedelta(minutes=61)


def test_production_asks_for_a_notice_in_force_and_a_pilot_for_a_text(here: World) -> None:
    facts = gate_facts(here.use_case, timezone.now())
    assert (facts.has_disclosure, facts.has_notice) == (True, True)
    Disclosure.objects.update(state="withdrawn")
    assert not gate_facts(here.use_case, timezone.now()).has_notice
    here.use_case.disclosure_text = ""
    assert gate_facts(here.use_case, timezone.now()).has_disclosure
    Disclosure.objects.all().delete()
    assert not gate_facts(here.use_case, timezone.now()).has_disclosure


def test_texts_from_before_become_a_draft_that_nobody_approved() -> None:
    use_case = make_use_case(make_team(), disclosure_text="A model wrote this.")
    make_use_case(make_team(), disclosure_text=" ")
    migration = importlib.import_module("governance.registry.migrations.0005_disclosures")
    migration.keep_texts(apps, connection.schema_editor())
    notice = Disclosure.objects.get()
    assert (notice.use_case, notice.version, notice.state) == (use_case, 1, "draft")
    assert (notice.language, notice.author, notice.approved_at) == ("und", None, None)


def test_the_pages_say_which_is_in_force_which_is_not_and_what_changed(
    here: World, client: Client
) -> None:
    client.force_login(here.people.users["owner"])
    bare = make_use_case(here.use_case.team, title="Nothing told")
    shown = client.get("/disclosures/").content.decode()
    assert "en, version 1" in shown
    assert "none in force" in shown
    filtered = client.get("/disclosures/?show=none").content.decode()
    assert "Nothing told" in filtered and "en, version 1" not in filtered
    signed(here)
    page = client.get("/use-cases/licence-review/disclosures/").content.decode()
    assert "What changed since version 1" in page
    assert "<ins>" in page
    Disclosure.objects.create(
        use_case=bare, language="und", version=1, text="Old words", created_at=timezone.now()
    )
    old = client.get(f"/use-cases/{bare.slug}/disclosures/").content.decode()
    assert "draft, never approved" in old and "its language was not noted" in old


def test_it_is_proposed_from_the_page_and_what_was_typed_is_kept(
    here: World, client: Client
) -> None:
    client.force_login(here.people.users["owner"])
    url = "/use-cases/licence-review/disclosures/"
    sent = {"language": "en", "text": "Read this.", "place": "", "reason": "Clearer."}
    refused = client.post(url, sent)
    assert refused.status_code == 422
    assert "Read this." in refused.content.decode()
    made = client.post(url, sent | {"place": "Below"})
    assert made.status_code == 302
    assert "before its signatories" in client.get(url).content.decode()
    client.force_login(here.people.users["compliance"])
    assert "Propose a notice" not in client.get(url).content.decode()


def test_who_comes_too_late_sees_both_texts_and_loses_none(here: World, client: Client) -> None:
    client.force_login(here.people.users["owner"])
    url = f"/use-cases/{here.use_case.slug}/disclosures/"
    signed(here, text="The first text of all.")

    def opened() -> dict[str, str]:
        return dict(client.get(url).context["seen"])

    typed = {"language": "EN", "text": "Mine is this.", "place": "Below", "reason": "Law."}
    first, second = opened(), opened()
    other = first | typed | {"text": "Theirs is that."}
    assert client.post(url, other).status_code == 302
    late = client.post(url, second | typed)
    shown = late.content.decode()
    assert late.status_code == 409 and "somebody saved" in shown
    assert "Theirs is that." in shown and shown.count("Mine is this.") == 2
    newest = here.use_case.disclosures.filter(language="en")[0]
    assert newest.text == "Theirs is that."
    # Another language is nobody's: nothing to be late for.
    german = second | typed | {"language": "de", "text": "Eine Maschine schrieb dies."}
    assert client.post(url, german).status_code == 302
    # What does not fit keeps what was seen, so that the next save is still too late.
    wrong = client.post(url, second | typed | {"place": ""})
    assert wrong.status_code == 422
    assert wrong.context["seen"][f"{SEEN}en"] == second[f"{SEEN}en"]
    again = dict(late.context["seen"]) | typed
    assert client.post(url, again).status_code == 302
    newest.refresh_from_db()
    assert newest.text == "Mine is this."


def test_a_first_text_in_a_language_is_not_written_over(here: World, client: Client) -> None:
    client.force_login(here.people.users["owner"])
    url = f"/use-cases/{here.use_case.slug}/disclosures/"
    seen = dict(client.get(url).context["seen"])
    typed = {"language": "nl", "text": "Dit is van een machine.", "place": "Boven", "reason": "Wet"}
    assert client.post(url, seen | typed).status_code == 302
    assert client.post(url, seen | typed | {"text": "Anders."}).status_code == 409


def test_over_the_api_people_read_and_propose(here: World, client: Client) -> None:
    client.force_login(here.people.users["owner"])
    url = "/api/v1/use-cases/licence-review/disclosures/"
    body = {"language": "de", "text": "Ein Modell.", "place": "Oben", "reason": "Auf Deutsch."}
    made = client.post(url, body, JSON)
    assert (made.status_code, made.json()["state"]) == (201, "open")
    listed = client.get(url).json()["results"]
    assert [(one["language"], one["state"]) for one in listed] == [
        ("de", "draft"),
        ("en", "approved"),
    ]
    assert len(client.get("/api/v1/disclosures/").json()["results"]) == 2
    stranger = make_person("owner", make_team())
    client.force_login(stranger)
    assert client.get(url).status_code == 404
    assert client.get("/api/v1/disclosures/").json()["results"] == []


def test_lists_need_as_many_queries_for_three_as_for_one(here: World, client: Client) -> None:
    client.force_login(here.people.users["owner"])
    pages = ("/disclosures/", "/use-cases/licence-review/disclosures/", "/api/v1/disclosures/")
    for url in pages:
        client.get(url)
    one = [queries(partial(client.get, url)) for url in pages]
    signed(here)
    signed(here, language="de")
    make_use_case(here.use_case.team)
    assert [queries(partial(client.get, url)) for url in pages] == one


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", []),
        ("de", ["de"]),
        ("fr;q=0.2, pt_BR, *;q=0.1", ["pt-br", "fr", "*"]),
        ("de;q=0, en", ["en"]),
        ("de;q=x, ;;, 1234", []),
    ],
)
def test_languages_are_read_by_their_weight(header: str, found: list[str]) -> None:
    assert language.wanted(header) == found


@pytest.mark.parametrize(
    ("asked", "there", "found"),
    [
        (["de-at"], ["en", "de"], "de"),
        (["pt"], ["en", "pt-br"], "pt-br"),
        (["fr"], ["en"], ""),
        (["fr", "*"], ["en", "de"], "en"),
        (["de-at", "en"], ["en", "de-ch"], "de-ch"),
        ([], ["en"], ""),
    ],
)
def test_the_nearest_language_is_chosen(asked: list[str], there: list[str], found: str) -> None:
    assert language.best(asked, there) == found


@pytest.mark.parametrize(
    ("tag", "kept"), [("DE", "de"), (" pt_BR ", "pt-br"), ("english", ""), ("x" * 13, ""), ("", "")]
)
def test_a_language_is_a_code(tag: str, kept: str) -> None:
    assert language.normalised(tag) == kept
