"""Several people score on their own; nobody reads another before all are in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.access.models import Team, User
from governance.audit.models import AuditEvent
from governance.home.models import Notification
from governance.home.selectors import waiting_for
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.registry import rounds
from governance.registry.models import RoundSeat, Score, ScoringRound, UseCase
from governance.registry.subjects import StageSubject
from tests.factories.ledger import make_person
from tests.factories.registry import queries, score
from tests.factories.scoring import (
    agree,
    all_points,
    hand_in,
    make_round,
    reasons,
    replace_model,
)

SECRET = "Seventeen grey herons"
JSON = "application/json"


@pytest.fixture
def found(use_case: UseCase, owner: User, safety: User) -> ScoringRound:
    """Led by the owner, who scores too; the safety officer is the other one."""
    return make_round(use_case, owner, owner, safety)


def client_of(person: User) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=person.pk))
    return client


def page_of(found: ScoringRound) -> str:
    return f"/use-cases/{found.use_case.slug}/rounds/{found.pk}/"


def api_of(found: ScoringRound, more: str = "") -> str:
    return f"/api/v1/use-cases/{found.use_case.slug}/scoring-rounds/{found.pk}/{more}"


def text(answer: Any) -> str:
    return b"".join(answer).decode()


def test_the_invited_are_told_and_it_waits_for_them(
    found: ScoringRound, safety: User, owner: User
) -> None:
    titles = Notification.objects.filter(user=safety).values_list("title", flat=True)
    assert any("asks for your own score" in one for one in titles)
    items = waiting_for(safety, timezone.now())
    item = next(one for one in items if one.kind == "scoring")
    assert item.url == page_of(found)
    assert item.due_at == rounds.due_at(found)
    hand_in(found, safety)
    assert not [one for one in waiting_for(safety, timezone.now()) if one.kind == "scoring"]


def test_the_lead_is_reminded_when_it_is_late_and_when_all_is_shown(
    found: ScoringRound, owner: User, safety: User
) -> None:
    def waiting(now: datetime) -> list[str]:
        return [one.title for one in waiting_for(owner, now) if one.kind == "consensus"]

    now = timezone.now()
    assert waiting(now) == []
    assert waiting(now + timedelta(days=7)) == [f"Some scores of {found.use_case} are late"]
    hand_in(found, owner)
    hand_in(found, safety)
    assert waiting(now) == [f"Agree on the scores of {found.use_case}"]


def where_it_could_leak(found: ScoringRound, reader: User) -> dict[str, str]:
    """Every place where another's score could be read, as this person gets it."""
    client, slug = client_of(reader), found.use_case.slug
    places = {
        path: text(client.get(path))
        for path in (
            page_of(found),
            f"/use-cases/{slug}/",
            f"/use-cases/{slug}/intake/scores/",
            f"/use-cases/{slug}/intake/summary/",
            "/use-cases/",
            "/use-cases/?format=csv",
            "/use-cases/map/",
            "/use-cases/map/?format=csv",
            "/",
            "/notifications/",
            "/audit/events/",
            api_of(found),
            f"/api/v1/use-cases/{slug}/",
            f"/api/v1/use-cases/{slug}/scores/",
            f"/api/v1/use-cases/{slug}/scoring-rounds/",
            f"/api/v1/use-cases/{slug}/stages/",
        )
    }
    events = AuditEvent.objects.values_list("before", "after", "reason", "subject_label")
    notices = Notification.objects.values_list("title", "url")
    items = [(one.title, one.detail) for one in waiting_for(reader, timezone.now())]
    return places | {"events": str(list(events)), "notices": str(list(notices) + items)}


@pytest.mark.parametrize("reader", ["owner", "board", "compliance", "administrator"])
def test_nobody_reads_a_score_before_all_are_in(
    found: ScoringRound, owner: User, safety: User, reader: str
) -> None:
    person = owner if reader == "owner" else make_person(reader)
    before = where_it_could_leak(found, person)
    hand_in(found, safety, 5, SECRET)
    after = where_it_could_leak(found, person)
    assert [place for place, words in after.items() if SECRET in words] == []
    seats = client_of(person).get(api_of(found)).json()["seats"]
    assert [one["points"] for one in seats] == [{}, {}]
    assert client_of(person).get(api_of(found)).json()["spread"] == []
    assert "is in" in after[page_of(found)]
    # Lists say the same as before: neither a total nor a quadrant has come out.
    for path in ("/use-cases/?format=csv", "/use-cases/map/?format=csv"):
        assert after[path] == before[path]
    event = AuditEvent.objects.get(action="use_case.round_scored")
    assert event.after == {"round": found.pk, "still_missing": 1}
    assert not event.reason


def test_one_reads_ones_own_and_may_change_it(
    found: ScoringRound, owner: User, safety: User
) -> None:
    hand_in(found, safety, 5, SECRET)
    assert SECRET in text(client_of(safety).get(page_of(found)))
    own = client_of(safety).get(api_of(found)).json()["seats"]
    assert {one["assessor"]: bool(one["points"]) for one in own} == {
        owner.pk: False,
        safety.pk: True,
    }
    hand_in(found, safety, 2, "Otherwise.")
    seat = RoundSeat.objects.get(round=found, assessor=safety)
    assert seat.points == all_points(2)
    assert found.state == "open"


def test_the_last_one_in_shows_all(found: ScoringRound, owner: User, safety: User) -> None:
    hand_in(found, safety, 5, SECRET)
    hand_in(found, owner, 2, "Modest.")
    assert found.state == "revealed" and found.revealed_at is not None
    shown = text(client_of(make_person("board")).get(page_of(found)))
    assert SECRET in shown and "Modest." in shown and "far apart" in shown
    reply = client_of(owner).get(api_of(found)).json()
    spread = {one["key"]: one for one in reply["spread"]}
    assert spread["value"] == {
        "key": "value",
        "least": 2,
        "most": 5,
        "median": "3.5",
        "deviation": "1.50",
    }
    event = AuditEvent.objects.get(action="use_case.round_revealed")
    assert event.after is not None
    assert event.after["scores"][safety.email] == all_points(5)
    told = Notification.objects.filter(title__contains="are shown now")
    assert {one.user_id for one in told} == {owner.pk, safety.pk}
    with pytest.raises(WrongState):
        hand_in(found, owner)


def test_the_consensus_is_what_counts(
    found: ScoringRound, owner: User, safety: User, use_case: UseCase
) -> None:
    hand_in(found, safety, 5)
    hand_in(found, owner, 1)
    made = agree(found, owner, 4)
    found.refresh_from_db()
    assert (found.state, made.made_by) == ("agreed", "consensus of 2 assessors")
    assert AuditEvent.objects.get(action="use_case.round_agreed").reason == "We talked."
    # A later estimate by one person does not take its place.
    later = score(use_case, owner, 1, 1)
    Score.objects.filter(pk=later.pk).update(at=timezone.now() + timedelta(days=1))
    assert use_case.scores.deciding_first().first() == made
    rows = text(client_of(owner).get("/use-cases/map/?format=csv"))
    assert "major project,4.00,4.00,consensus of 2 assessors" in rows
    evidence = StageSubject().evidence(use_case, {"target": "assessed"})
    assert (evidence[0].value, evidence[0].note) == (
        "4.00 impact, 4.00 effort (major project)",
        "consensus of 2 assessors",
    )
    assert StageSubject().snapshot(use_case, {"target": "assessed"})["scores"] == {
        "impact": "4.00",
        "effort": "4.00",
    }
    assert "We talked." in text(client_of(owner).get(f"/use-cases/{use_case.slug}/"))


def test_a_newer_consensus_takes_the_place_of_an_older_one(
    found: ScoringRound, owner: User, safety: User, use_case: UseCase
) -> None:
    hand_in(found, safety)
    hand_in(found, owner)
    agree(found, owner, 2)
    second = make_round(use_case, owner, safety)
    hand_in(second, safety, 4)
    newer = agree(second, owner, 5)
    assert use_case.scores.deciding_first().first() == newer
    assert newer.made_by == "consensus of 1 assessor"


def test_closing_early_names_the_absent_and_needs_a_reason(
    found: ScoringRound, owner: User, safety: User
) -> None:
    def close(actor: User, reason: str = "She is ill.") -> ScoringRound:
        return rounds.close_early(
            actor=Actor.person(actor), round_id=found.pk, reason=reason, now=timezone.now()
        )

    with pytest.raises(WrongState):
        close(owner)
    hand_in(found, owner)
    with pytest.raises(NotAllowed):
        close(safety)
    with pytest.raises(Invalid):
        close(owner, "  ")
    assert close(owner).state == "revealed"
    shown = text(client_of(owner).get(page_of(found)))
    assert "She is ill." in shown and "absent" in shown
    event = AuditEvent.objects.get(action="use_case.round_closed")
    assert event.after is not None
    assert event.after["absent"] == [safety.email]
    assert event.reason == "She is ill."
    assert agree(found, owner).assessor_count == 1


def test_a_round_given_up_counts_for_nothing_and_stays_unread(
    found: ScoringRound, owner: User, safety: User, use_case: UseCase
) -> None:
    hand_in(found, safety, 5, SECRET)
    reason = "The idea was dropped."
    rounds.give_up(actor=Actor.person(owner), round_id=found.pk, reason=reason, now=timezone.now())
    for place, words in where_it_could_leak(found, owner).items():
        assert SECRET not in words, place
    assert reason in text(client_of(owner).get(page_of(found)))
    assert not use_case.scores.exists()
    assert make_round(use_case, owner, safety).state == "open"


def test_who_may_be_asked_and_until_when(
    use_case: UseCase, owner: User, safety: User, team: Team
) -> None:
    today = datetime.now(UTC).date()
    others = [make_person("safety") for _ in range(7)]
    for assessors, due_on, field in (
        ([], today, "assessors"),
        ([owner], today, "assessors"),
        ([safety, safety], today, "assessors"),
        ([safety, *others], today, "assessors"),
        ([make_person("board")], today, "assessors"),
        ([make_person("owner")], None, "due_on"),
        ([safety], today - timedelta(days=1), "due_on"),
        ([safety], today + timedelta(days=91), "due_on"),
    ):
        with pytest.raises(Invalid) as refused:
            make_round(use_case, owner, *assessors, due_on=due_on)
        assert field in refused.value.fields
    with pytest.raises(NotAllowed):
        make_round(use_case, make_person("board"), safety)
    assert make_round(use_case, owner, *others, due_on=today).seats.count() == 7
    with pytest.raises(WrongState):
        make_round(use_case, owner, safety)


def test_only_the_asked_hand_in_and_only_what_fits(
    found: ScoringRound, owner: User, safety: User
) -> None:
    with pytest.raises(NotAllowed):
        hand_in(found, make_person("safety"))
    for points, words, field in (
        (all_points(3, value=6), reasons(), "value"),
        ({"value": 3}, reasons(), "build"),
        (all_points(3), reasons() | {"data": " "}, "data_why"),
        (all_points(3), reasons() | {"data": "\x00"}, "data_why"),
        (all_points(3), reasons("x" * 501), "data_why"),
    ):
        with pytest.raises(Invalid) as refused:
            rounds.hand_in(
                actor=Actor.person(safety),
                round_id=found.pk,
                points=points,
                rationales=words,
                now=timezone.now(),
            )
        assert field in refused.value.fields
    assert not found.seats.exclude(submitted_at=None).exists()


def test_only_the_lead_records_the_consensus_and_once(
    found: ScoringRound, owner: User, safety: User
) -> None:
    hand_in(found, safety)
    with pytest.raises(WrongState):
        agree(found, owner)
    hand_in(found, owner)
    with pytest.raises(NotAllowed):
        agree(found, safety)
    with pytest.raises(Invalid) as refused:
        rounds.agree(
            actor=Actor.person(owner),
            round_id=found.pk,
            points={"value": 9},
            rationale="",
            now=timezone.now(),
        )
    assert {"value", "build", "rationale"} <= refused.value.fields.keys()
    agree(found, owner)
    with pytest.raises(WrongState):
        agree(found, owner)


def test_when_the_lead_has_gone_whoever_may_score_leads(
    found: ScoringRound, owner: User, safety: User
) -> None:
    hand_in(found, safety)
    hand_in(found, owner)
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert agree(found, safety).round == found


def test_nobody_scores_alone_while_a_round_is_open(
    found: ScoringRound, owner: User, safety: User, use_case: UseCase
) -> None:
    with pytest.raises(WrongState):
        score(use_case, owner)
    shown = text(client_of(owner).get(f"/use-cases/{use_case.slug}/intake/scores/"))
    assert "Several people are scoring this" in shown
    hand_in(found, owner)
    hand_in(found, safety)
    assert score(use_case, owner).made_by == "one assessor"


def test_a_round_keeps_the_version_it_was_opened_with(
    found: ScoringRound, owner: User, safety: User
) -> None:
    replace_model()
    hand_in(found, safety)
    hand_in(found, owner)
    made = agree(found, owner)
    assert (made.model_version, made.threshold) == (1, 3)
    assert "scoring model 1" in text(client_of(owner).get(f"/use-cases/{found.use_case.slug}/"))


def test_pages_invite_hand_in_and_agree_and_keep_what_was_typed(
    use_case: UseCase, owner: User, safety: User
) -> None:
    client, path = client_of(owner), f"/use-cases/{use_case.slug}/rounds/new/"
    due_on = str((timezone.now() + timedelta(days=3)).date())
    wrong = client.post(path, {"assessors": [owner.pk], "due_on": due_on})
    assert wrong.status_code == 422 and "cannot be the only one" in text(wrong)
    assert f'value="{due_on}"' in text(wrong)
    begun = client.post(path, {"assessors": [owner.pk, safety.pk], "due_on": due_on})
    found = ScoringRound.objects.get()
    assert begun["Location"] == page_of(found)
    whys = {f"{key}_why": f"Why {key}." for key in all_points(1)}
    half = client.post(page_of(found), {"action": "hand_in", "value": "4", "value_why": "Kept."})
    assert half.status_code == 422 and 'value="Kept."' in text(half)
    sent = {"action": "hand_in"} | all_points(4) | whys
    assert client.post(page_of(found), sent).status_code == 302
    assert client_of(safety).post(page_of(found), sent).status_code == 302
    found.refresh_from_db()
    assert found.state == "revealed"
    assert 'name="reach" value="4" checked' in text(client.get(page_of(found)))
    unsaid = client.post(page_of(found), {"action": "agree"} | all_points(2))
    assert unsaid.status_code == 422
    assert 'name="reach" value="2" checked' in text(unsaid)
    agreed = {"action": "agree", "rationale": "We met."} | all_points(2)
    assert client.post(page_of(found), agreed).status_code == 302
    assert "We met." in text(client.get(page_of(found)))
    assert client.post(page_of(found), {"action": "dance"}).status_code == 404


def test_a_stranger_finds_no_round(found: ScoringRound) -> None:
    stranger = client_of(make_person("owner", Team.objects.create(name="S", slug="s", code="S")))
    assert stranger.get(page_of(found)).status_code == 404
    assert stranger.get(api_of(found)).status_code == 404
    assert stranger.post(api_of(found, "scores/"), {}, JSON).status_code == 404


def test_the_api_goes_the_whole_way(use_case: UseCase, owner: User, safety: User) -> None:
    client = client_of(owner)
    body = {"assessors": [safety.pk], "due_on": str((timezone.now() + timedelta(days=2)).date())}
    made = client.post(f"/api/v1/use-cases/{use_case.slug}/scoring-rounds/", body, JSON)
    assert made.status_code == 201
    found = ScoringRound.objects.get(pk=made.json()["id"])
    assert client.post(api_of(found, "close/"), {"reason": "x"}, JSON).status_code == 409
    sent = {"points": all_points(4), "rationales": reasons()}
    assert client.post(api_of(found, "scores/"), sent, JSON).status_code == 403
    reply = client_of(safety).post(api_of(found, "scores/"), sent, JSON)
    assert (reply.status_code, reply.json()["state"]) == (200, "revealed")
    consensus = {"points": all_points(3), "rationale": "Read it together."}
    recorded = client.post(api_of(found, "consensus/"), consensus, JSON)
    assert (recorded.status_code, recorded.json()["round"]) == (201, found.pk)
    assert client.get(api_of(found)).json()["consensus"]["impact_total"] == "3.00"
    again = client.post(api_of(found, "give-up/"), {"reason": "x"}, JSON)
    assert again.status_code == 409


def test_rounds_need_as_many_queries_for_three_seats_as_for_one(
    use_case: UseCase, owner: User, safety: User
) -> None:
    client = client_of(owner)

    def counted(found: ScoringRound) -> tuple[int, int]:
        client.get(page_of(found))
        listed = f"/api/v1/use-cases/{use_case.slug}/scoring-rounds/"
        return queries(lambda: client.get(page_of(found))), queries(lambda: client.get(listed))

    first = make_round(use_case, owner, safety)
    hand_in(first, safety)
    agree(first, owner)
    one = counted(first)
    people = [make_person("safety") for _ in range(3)]
    second = make_round(use_case, owner, *people)
    for person in people:
        hand_in(second, person)
    agree(second, owner)
    assert counted(second) == one
