"""Corrections as data: who finds them, what of them trains a model, and what is left out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed, NotFound, WrongState
from governance.registry.datasets import register_dataset
from governance.registry.models import Dataset, UseCase
from prompts.catalogue.models import PromptVersion
from prompts.corrections import rules, services
from prompts.corrections.lines import written
from prompts.corrections.models import CorrectionExport
from prompts.corrections.rules import Basis, Standing, why_left_out
from prompts.corrections.selectors import Wanted, decisions_visible_to
from reviews.decisions.models import Correction, ReviewDecision
from reviews.decisions.services import decide
from reviews.queues.models import Queue
from reviews.queues.services import claim_item
from telemetry.ledger.models import Call, Payload
from tests.factories.keeping import carried_out, make_erasure
from tests.factories.ledger import NOW, make_person, make_team, make_use_case
from tests.factories.prompts import make_prompt, make_version
from tests.factories.reviews import make_item, make_member, make_queue, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def steward() -> User:
    return make_person("data_steward")


@pytest.fixture
def use_case() -> UseCase:
    return make_use_case(make_team("export"))


@pytest.fixture
def queue(use_case: UseCase) -> Queue:
    return make_queue(use_cases=[use_case])


@pytest.fixture
def reviewer(queue: Queue) -> User:
    return make_member(queue)


def data(steward: User, use_case: UseCase, **facts: Any) -> Dataset:
    known: dict[str, Any] = {
        "name": f"Data {Dataset.objects.count()}",
        "source": "The archive",
        "sensitivity": "internal",
        "allows_training": True,
        "now": NOW,
    }
    return register_dataset(actor=Actor.person(steward), use_cases=(use_case,), **(known | facts))


def decided(queue: Queue, reviewer: User, verdict: str = "correct", **facts: Any) -> ReviewDecision:
    item = make_item(queue, **facts)
    actor = Actor.person(reviewer)
    claim_item(actor=actor, item_id=item.pk, now=NOW)
    more = {"corrected_text": "the better answer"} if verdict == "correct" else {}
    return decide(
        actor=actor,
        item_id=item.pk,
        verdict=verdict,
        rationale="Wrong.",
        labels=["wrong"],
        now=NOW,
        **more,
    )


def exported(person: User, kind: str = "supervised", **wanted: Any) -> CorrectionExport:
    return services.request_export(
        actor=Actor.person(person), kind=kind, wanted=Wanted(**wanted), now=NOW
    )


def lines(export: CorrectionExport, person: User, **facts: Any) -> tuple[list[Any], Any]:
    """(the lines, the manifest)"""
    content = b"".join(written(export, person, facts.get("now", NOW)))
    *found, last = [json.loads(one) for one in content.splitlines()]
    return found, last["manifest"]


def test_a_correction_trains_with_all_that_says_where_it_comes_from(
    steward: User, use_case: UseCase, queue: Queue, reviewer: User
) -> None:
    data(steward, use_case, has_personal_data=True, lawful_basis="consent", name="Letters")
    decision = decided(queue, reviewer)
    author = make_person("ml_engineer", use_case.team)
    version: PromptVersion = make_version(author, make_prompt(author, use_case))
    Call.objects.filter(pk=decision.item.call_id).update(
        prompt_version_id=version.pk, prompt_label=str(version)
    )
    export = exported(steward)
    assert (export.state, export.total, export.included()) == ("ready", 1, 1)
    (line,), manifest = lines(export, steward)
    assert line["messages"] == [
        {"role": "user", "content": "the question"},
        {"role": "assistant", "content": "the better answer"},
    ]
    lineage = line["lineage"]
    call = Call.objects.get(pk=decision.item.call_id)
    assert lineage["call"] == str(call.pk)
    assert lineage["sensitivity"] == "internal"
    assert lineage["lawful_basis"] == [
        {"dataset": "Letters", "has_personal_data": True, "lawful_basis": "consent", "licence": ""}
    ]
    assert lineage["prompt_version_sha256"] == version.content_hash
    assert lineage["deployment"] == call.deployment.slug  # type: ignore[union-attr]  # it has one
    assert lineage["review_decision"] == decision.pk
    assert lineage["decided_sha256"] == hashlib.sha256(b"the better answer").hexdigest()
    assert lineage["response_sha256"] == hashlib.sha256(b"the answer").hexdigest()
    assert lineage["keep_until"] == call.payload.keep_until.isoformat()
    assert (manifest["lines"], manifest["left_out"]) == (1, [])


def test_the_manifest_fixes_the_lines_before_it(
    steward: User, use_case: UseCase, queue: Queue, reviewer: User
) -> None:
    data(steward, use_case)
    for _ in range(3):
        decided(queue, reviewer)
    content = b"".join(written(exported(steward), steward, NOW))
    before, _, last = content.rstrip(b"\n").rpartition(b"\n")
    assert json.loads(last)["manifest"]["sha256"] == hashlib.sha256(before + b"\n").hexdigest()


def test_preference_lines_have_what_was_chosen_and_what_was_rejected(
    steward: User, use_case: UseCase, queue: Queue, reviewer: User
) -> None:
    data(steward, use_case)
    decided(queue, reviewer)
    decided(queue, reviewer, "approve")
    (line,), manifest = lines(exported(steward, "preference", verdict="any"), steward)
    assert line["prompt"] == [{"role": "user", "content": "the question"}]
    assert line["chosen"] == [{"role": "assistant", "content": "the better answer"}]
    assert line["rejected"] == [{"role": "assistant", "content": "the answer"}]
    assert [one["why"] for one in manifest["left_out"]] == ["no_correction"]


def test_what_was_approved_trains_as_it_is_and_what_was_rejected_does_not(
    steward: User, use_case: UseCase, queue: Queue, reviewer: User
) -> None:
    data(steward, use_case)
    decided(queue, reviewer, "approve")
    rejected = decided(queue, reviewer, "reject")
    (line,), manifest = lines(exported(steward, verdict="any"), steward)
    assert line["messages"][-1]["content"] == "the answer"
    assert manifest["left_out"] == [{"review_decision": rejected.pk, "why": "rejected"}]


def test_nothing_trains_unless_the_steward_said_so_of_every_dataset(
    steward: User, use_case: UseCase, queue: Queue, reviewer: User
) -> None:
    decided(queue, reviewer)
    none = exported(steward)
    assert [one["code"] for one in none.left_out()] == ["no_dataset"]
    data(steward, use_case)
    data(steward, use_case, name="Private letters", allows_training=False)
    refused = exported(steward)
    found, manifest = lines(refused, steward)
    assert found == []
    assert manifest["left_out"][0]["dataset"] == "Private letters"
    assert manifest["reasons"]["not_for_training"]["count"] == 1
    assert "Private letters" in refused.left_out()[0]["says"]


def test_a_dataset_allows_no_training_by_itself_and_none_without_a_basis(
    steward: User, use_case: UseCase
) -> None:
    made = register_dataset(
        actor=Actor.person(steward), name="New", source="x", sensitivity="public", now=NOW
    )
    assert made.allows_training is False
    with pytest.raises(Invalid) as refused:
        data(steward, use_case, has_personal_data=True)
    assert "allows_training" in refused.value.fields


@pytest.mark.parametrize("ends", ["erasure", "retention", "clock"])
def test_what_ended_after_the_file_was_built_is_in_no_download(
    ends: str, steward: User, use_case: UseCase, queue: Queue, reviewer: User
) -> None:
    data(steward, use_case)
    decision = decided(queue, reviewer)
    export = exported(steward)
    assert export.included() == 1
    now = NOW
    if ends == "erasure":
        carried_out(make_erasure(call=decision.item.call))
    elif ends == "retention":
        Payload.objects.filter(call=decision.item.call_id).update(
            request_sealed=None, response_sealed=None, decided_sealed=None, destroyed_at=NOW
        )
    else:
        now = NOW + timedelta(days=400)
    found, manifest = lines(export, steward, now=now)
    assert found == []
    expected = "erased" if ends == "erasure" else "retention_ended"
    assert manifest["left_out"] == [{"review_decision": decision.pk, "why": expected}]


def test_whoever_lost_the_right_to_read_gets_no_text_any_more(
    use_case: UseCase, queue: Queue, reviewer: User, steward: User
) -> None:
    data(steward, use_case)
    decided(queue, reviewer)
    engineer = make_person("prompt_engineer", use_case.team)
    export = exported(engineer)
    assert export.included() == 1
    engineer.grants.update(revoked_at=NOW)
    engineer = User.objects.get(pk=engineer.pk)
    found, manifest = lines(export, engineer)
    assert found == []
    assert manifest["left_out"][0]["why"] == "not_readable"
    with pytest.raises(NotAllowed):
        services.note_download(actor=Actor.person(engineer), export_id=export.pk, now=NOW)


def test_who_may_not_read_bodies_finds_decisions_and_exports_nothing(
    use_case: UseCase, queue: Queue, reviewer: User
) -> None:
    decided(queue, reviewer)
    owner = make_person("owner", use_case.team)
    assert decisions_visible_to(owner).count() == 1
    assert decisions_visible_to(make_person("owner", make_team("other"))).count() == 0
    with pytest.raises(NotAllowed):
        exported(owner)


def test_a_large_export_is_built_step_by_step_and_repeats_nothing(
    steward: User,
    use_case: UseCase,
    queue: Queue,
    reviewer: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data(steward, use_case)
    first = decided(queue, reviewer)
    decided(queue, reviewer)
    decided(queue, reviewer)
    monkeypatch.setattr(services, "AT_ONCE", 2)
    export = exported(steward)
    assert (export.state, export.done, services.unfinished()) == ("requested", 0, [export.pk])
    decided(queue, reviewer)  # after it was asked for: not in it
    step = services.build_step(export_id=export.pk, now=NOW)
    assert step is not None and (step.state, step.done) == ("building", 2)
    with pytest.raises(WrongState):
        services.note_download(actor=Actor.person(steward), export_id=export.pk, now=NOW)
    ended = services.build_step(export_id=export.pk, now=NOW)
    assert ended is not None and (ended.state, ended.done, ended.included()) == ("ready", 3, 3)
    assert services.build_step(export_id=export.pk, now=NOW) is None
    assert export.lines.order_by("pk")[0].decision_id == first.pk
    assert services.unfinished() == []


def test_an_export_is_audited_from_its_request_to_its_download(
    steward: User, use_case: UseCase, queue: Queue, reviewer: User
) -> None:
    data(steward, use_case)
    decided(queue, reviewer)
    client = signed_in(steward)
    asked = client.post("/corrections/export/", {"kind": "supervised", "verdict": "correct"})
    export = CorrectionExport.objects.get()
    assert asked.headers["location"] == f"/corrections/exports/{export.pk}/"
    page = client.get(asked.headers["location"]).content.decode()
    assert "<strong>1</strong> line to train with" in page
    # The file is written by the clock of the machine: its texts are kept until then.
    Payload.objects.update(keep_until=timezone.now() + timedelta(days=1))
    got = client.post(f"/corrections/exports/{export.pk}/download/")
    content = b"".join(got.streaming_content)  # type: ignore[attr-defined]  # it streams
    assert b"the better answer" in content
    actions = AuditEvent.objects.filter(action__startswith="correction_export.")
    assert set(actions.values_list("action", flat=True)) == {
        "correction_export.requested",
        "correction_export.ready",
        "correction_export.downloaded",
    }
    assert "the better answer" not in json.dumps(list(actions.values_list("after", flat=True)))


def test_the_same_form_sent_twice_is_one_export(
    steward: User, use_case: UseCase, queue: Queue, reviewer: User
) -> None:
    decided(queue, reviewer)
    client = signed_in(steward)
    sent = {"kind": "supervised", "form_token": "0d9f2b60-6f0c-4d5e-9f0e-0c3f2a1b4c5d"}
    first = client.post("/corrections/export/", sent).headers["location"]
    assert client.post("/corrections/export/", sent).headers["location"] == first
    assert CorrectionExport.objects.count() == 1


def test_another_persons_export_is_not_found(
    use_case: UseCase, queue: Queue, reviewer: User
) -> None:
    decided(queue, reviewer)
    export = exported(make_person("prompt_engineer", use_case.team))
    other = make_person("prompt_engineer", use_case.team)
    assert signed_in(other).get(f"/corrections/exports/{export.pk}/").status_code == 404
    with pytest.raises(NotFound):
        services.cancel_export(actor=Actor.person(other), export_id=export.pk, now=NOW)


def test_the_page_finds_by_every_filter_and_opens_texts_on_request_alone(
    steward: User, use_case: UseCase, queue: Queue, reviewer: User
) -> None:
    decision = decided(queue, reviewer)
    client = signed_in(steward)
    address = f"/corrections/{decision.pk}/"
    wanted = [
        {},
        {"use_case": use_case.slug},
        {"queue": queue.slug},
        {"label": "wrong"},
        {"since": "2026-11-18", "until": "2026-11-18"},
    ]
    for query in wanted:
        assert address in client.get("/corrections/", query).content.decode(), query
    for query in ({"label": "rude"}, {"verdict": "approve"}, {"until": "2026-11-17"}):
        assert address not in client.get("/corrections/", query).content.decode(), query
    closed = client.get(address).content.decode()
    assert "better" not in closed and "Open the texts" in closed
    opened = client.post(address).content.decode()
    assert "<ins>better " in opened
    assert AuditEvent.objects.filter(action="call.bodies_opened").count() == 1
    owner = signed_in(make_person("owner", use_case.team))
    assert "Open the texts" not in owner.get(address).content.decode()
    assert owner.post(address).status_code == 403


def test_the_list_asks_as_often_for_many_as_for_one(
    steward: User, use_case: UseCase, queue: Queue, reviewer: User
) -> None:
    client = signed_in(steward)

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get("/corrections/")
        return len(queries)

    decided(queue, reviewer)
    asked()
    one = asked()
    for _ in range(4):
        decided(queue, reviewer)
    assert asked() == one


def test_the_api_exports_the_same(
    steward: User, use_case: UseCase, queue: Queue, reviewer: User
) -> None:
    data(steward, use_case)
    decision = decided(queue, reviewer)
    client = signed_in(steward)
    listed = client.get("/api/v1/corrections/").json()["results"]
    assert [one["id"] for one in listed] == [decision.pk]
    assert "better" not in json.dumps(listed)
    made = client.post(
        "/api/v1/correction-exports/", {"kind": "preference"}, content_type="application/json"
    )
    assert (made.status_code, made.json()["state"], made.json()["included"]) == (201, "ready", 1)
    shown = client.get(made.headers["location"]).json()
    assert shown["left_out"] == []
    Payload.objects.update(keep_until=timezone.now() + timedelta(days=1))
    got = client.post(f"{made.headers['location']}file/")
    content = b"".join(got.streaming_content)  # type: ignore[attr-defined]  # it streams
    assert len(content.splitlines()) == 2
    bad = client.post(
        "/api/v1/correction-exports/",
        {"kind": "preference", "use_case": "none-such"},
        content_type="application/json",
    )
    assert bad.status_code == 400


STANDS = Standing(
    verdict="correct",
    stands=True,
    is_readable=True,
    is_erased=False,
    is_destroyed=False,
    keep_until=NOW + timedelta(days=1),
    bases=(Basis("Letters", True, False, "", ""),),
)


@pytest.mark.parametrize(
    ("kind", "changes", "expected"),
    [
        ("supervised", {}, ""),
        ("preference", {}, ""),
        ("supervised", {"is_erased": True, "is_destroyed": True}, "erased"),
        ("supervised", {"is_destroyed": True}, "retention_ended"),
        ("supervised", {"keep_until": NOW}, "retention_ended"),
        ("supervised", {"keep_until": None}, "retention_ended"),
        ("supervised", {"is_readable": False}, "not_readable"),
        ("supervised", {"stands": False}, "superseded"),
        ("supervised", {"verdict": "reject"}, "rejected"),
        ("supervised", {"verdict": "approve"}, ""),
        ("preference", {"verdict": "approve"}, "no_correction"),
        ("supervised", {"bases": ()}, "no_dataset"),
        ("supervised", {"bases": (Basis("A", False, False, "x", ""),)}, "not_for_training"),
        ("supervised", {"bases": (Basis("A", True, True, " ", ""),)}, "no_lawful_basis"),
    ],
)
def test_why_a_decision_is_left_out(kind: str, changes: dict[str, Any], expected: str) -> None:
    code, dataset = why_left_out(kind, replace(STANDS, **changes), NOW)
    assert code == expected
    assert not code or rules.sentence_of(code, dataset)


def test_a_correction_follows_its_decision_alone(queue: Queue, reviewer: User) -> None:
    decision = decided(queue, reviewer)
    assert Correction.objects.get().decision_id == decision.pk
