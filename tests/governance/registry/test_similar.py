"""Is there one like it already? Whose answers to begin with?"""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from governance.access.models import Team, User
from governance.audit.models import AuditEvent
from governance.registry.models import IntakeOrigin, UseCase
from governance.registry.similar import similar_to
from tests.factories.ledger import make_person, make_team, make_use_case
from tests.factories.registry import make_dataset, queries, score

NEW = "/use-cases/new/"
LIKE = "Summaries of support letters"
HTMX = {"HX-Request": "true"}


def text(answer: Any) -> str:
    return str(answer.content.decode())


@pytest.fixture
def twin(team: Team, owner: User) -> UseCase:
    made = make_use_case(
        team,
        owner=owner,
        title="Summary of support letters",
        feature="Puts a letter into three lines.",
        framework_answers={"language": True},
        pattern="assistant",
        serving="synchronous",
        override_reason="As agreed.",
        oversight="sampled",
        disclosure_text="A model wrote this.",
        fallback_text="Read the letter.",
        is_user_facing=True,
        tier="limited",
    )
    make_dataset().use_cases.add(made)
    score(made, owner)
    return made


def test_trigrams_are_indexed(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE indexdef LIKE '%gin_trgm_ops%'")
        names = {row[0] for row in cursor.fetchall()}
    assert {"use_case_title_trigrams", "use_case_text_trigrams"} <= names


def test_the_nearest_stands_first_and_what_is_unlike_is_left_out(
    twin: UseCase, team: Team, owner: User
) -> None:
    make_use_case(team, title="Support of letter boxes")
    make_use_case(team, title="Weather")
    found = similar_to(owner, title=LIKE)
    assert found[0].use_case == twin and found[0].is_duplicate
    assert "Weather" not in [one.use_case.title for one in found]
    by_text = similar_to(owner, title="Zzzz", feature="Puts letters into three lines")
    assert [one.use_case for one in by_text] == [twin]
    assert similar_to(owner, title="\x00 a") == []


def test_others_use_cases_are_never_named(twin: UseCase, client: Client) -> None:
    stranger = make_person("owner", make_team())
    client.force_login(stranger)
    mine = Team.objects.exclude(pk=twin.team_id).latest("pk")
    seen = client.post(NEW, {"title": LIKE, "look": "yes"}, headers=HTMX)
    assert twin.title not in text(seen) and "Nothing like it" in text(seen)
    sent = {"title": LIKE, "team": mine.pk}
    assert client.post(NEW, sent | {"source": twin.slug}).status_code == 404
    begun = client.post(NEW, sent)
    assert begun.status_code == 302


def test_looking_shows_a_fragment_with_htmx_and_the_page_without(
    twin: UseCase, signed_in: Client
) -> None:
    fragment = signed_in.post(NEW, {"title": LIKE, "look": "yes"}, headers=HTMX)
    assert twin.title in text(fragment) and "<html" not in text(fragment)
    whole = signed_in.post(NEW, {"title": LIKE, "feature": "Kept.", "look": "yes"})
    assert twin.title in text(whole) and "Kept.</textarea>" in text(whole)
    assert UseCase.objects.count() == 1


def test_a_duplicate_is_begun_only_with_a_word_why(
    twin: UseCase, signed_in: Client, team: Team
) -> None:
    sent = {"title": LIKE, "team": team.pk}
    refused = signed_in.post(NEW, sent)
    assert refused.status_code == 422
    assert "this looks like Summary of support letters" in text(refused)
    assert f'value="{LIKE}"' in text(refused)
    assert signed_in.post(NEW, sent | {"reason": "x" * 301}).status_code == 422
    assert UseCase.objects.count() == 1
    begun = signed_in.post(NEW, sent | {"reason": "Ours are in French."})
    made = UseCase.objects.get(title=LIKE)
    assert begun["Location"] == f"/use-cases/{made.slug}/intake/pattern/"
    origin = IntakeOrigin.objects.get(use_case=made)
    assert (origin.resembles, origin.reason) == (twin, "Ours are in French.")
    assert (origin.source, origin.prefilled) == (None, [])
    event = AuditEvent.objects.get(action="use_case.registered_beside")
    assert event.reason == "Ours are in French."
    assert "Ours are in French." in text(signed_in.get(f"/use-cases/{made.slug}/intake/summary/"))


def test_answers_are_taken_but_never_scores_or_risk(
    twin: UseCase, signed_in: Client, team: Team, client: Client
) -> None:
    sent = {"title": "French letters", "team": team.pk, "source": twin.slug}
    assert signed_in.post(NEW, sent).status_code == 302
    made = UseCase.objects.get(title="French letters")
    for name in ("framework_answers", "pattern", "serving", "oversight", "disclosure_text"):
        assert getattr(made, name) == getattr(twin, name), name
    assert made.is_user_facing and made.fallback_text == "Read the letter."
    assert list(made.datasets.all()) == list(twin.datasets.all())
    assert (made.tier, made.act_class, made.feature, made.stage) == ("", "", "", "proposed")
    assert not made.scores.exists() and not made.risk_assessments.exists()
    assert made.is_draft


def test_pre_filled_steps_say_so_until_they_are_saved(
    twin: UseCase, signed_in: Client, team: Team
) -> None:
    signed_in.post(NEW, {"title": "French letters", "team": team.pk, "source": twin.slug})
    path = "/use-cases/french-letters/intake"
    assert "Pre-filled from" in text(signed_in.get(f"{path}/pattern/"))
    assert "Pre-filled from" in text(signed_in.get(f"{path}/data/"))
    assert "Pre-filled from" not in text(signed_in.get(f"{path}/scores/"))
    answers = {"sensitivity": "internal", "oversight": "all"}
    assert signed_in.post(f"{path}/data/", answers).status_code == 302
    assert "Pre-filled from" not in text(signed_in.get(f"{path}/data/"))
    assert "Still as they were taken" in text(signed_in.get(f"{path}/summary/"))
    assert UseCase.objects.get(slug="french-letters").oversight == "all"


def test_a_source_out_of_sight_is_not_named(twin: UseCase, signed_in: Client, team: Team) -> None:
    signed_in.post(NEW, {"title": "French letters", "team": team.pk, "source": twin.slug})
    UseCase.objects.filter(pk=twin.pk).update(team=make_team())
    shown = text(signed_in.get("/use-cases/french-letters/intake/data/"))
    assert "Pre-filled from another use case" in shown and twin.title not in shown


def test_similar_ones_need_as_many_queries_for_three_as_for_one(
    twin: UseCase, owner: User, team: Team
) -> None:
    def look() -> None:
        for one in similar_to(owner, title=LIKE):
            assert one.use_case.team.name and one.use_case.owner.name

    look()
    one = queries(look)
    for number in range(2):
        make_use_case(team, title=f"Summary of support letters {number}")
    assert queries(look) == one


def test_the_search_box_finds_a_slip_of_the_pen(twin: UseCase, signed_in: Client) -> None:
    assert twin.title in text(signed_in.get("/use-cases/?q=suport"))
    assert twin.title in text(signed_in.get("/use-cases/?q=ETTER"))
    assert twin.title not in text(signed_in.get("/use-cases/?q=weather"))
