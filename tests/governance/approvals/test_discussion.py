"""Points that are answered one by one, and threads on the lines of a change."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.access.models import User
from governance.approvals import services
from governance.approvals.diffing import field_diffs
from governance.approvals.discussing import comment, settle_thread
from governance.approvals.lines import Line, lines_of, place
from governance.approvals.mentions import mentions_in
from governance.approvals.models import ChangePoint, ChangeRequest, Comment
from governance.audit.models import AuditEvent
from governance.home.models import Notification
from governance.kernel.errors import Invalid, NotAllowed, NotFound, WrongState
from governance.registry.models import UseCase
from tests.factories.approvals import Board, decide, make_board, make_change
from tests.factories.ledger import make_person, make_team
from tests.factories.registry import queries

POINTS = ["Name the fallback.", "Say who is told."]
JSON = "application/json"


@pytest.fixture
def board(db: None) -> Board:
    return make_board()


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def asked(board: Board) -> ChangeRequest:
    return decide(
        board, "board", make_change(board), outcome="request_changes", rationale="", points=POINTS
    )


def answer(
    board: Board, role: str, point: ChangePoint, action: str, text: str = "Done."
) -> ChangePoint:
    return services.answer_point(
        actor=board.actor(role),
        change_id=point.decision.change_id,
        point_id=point.pk,
        action=action,
        text=text,
        now=timezone.now(),
    )


def say(board: Board, role: str, change: ChangeRequest, text: str, **more: Any) -> Any:
    actor, now = board.actor(role), timezone.now()
    return comment(actor=actor, change_id=change.pk, text=text, now=now, **more)


def revise(board: Board, change: ChangeRequest) -> ChangeRequest:
    owner, now = board.actor("owner"), timezone.now()
    return services.revise(actor=owner, change_id=change.pk, reason="Better.", now=now)


@pytest.mark.parametrize("points", [[], [" "], ["x"] * 21, ["x" * 501]])
def test_changes_are_asked_for_point_by_point(board: Board, points: list[str]) -> None:
    change = make_change(board)
    with pytest.raises(Invalid) as refused:
        decide(board, "board", change, outcome="request_changes", points=points)
    assert "points" in refused.value.fields and not change.decisions.exists()


def test_no_revision_while_a_point_is_open_and_answers_stay(board: Board) -> None:
    change = asked(board)
    first, second = ChangePoint.objects.of_change(change.pk)
    answer(board, "owner", first, "resolve", "The form is named.")
    with pytest.raises(Invalid, match=r"1\. Say who is told\.") as refused:
        revise(board, change)
    assert refused.value.fields == {"points_open": ["Say who is told."]}
    answer(board, "owner", second, "resolve")
    answer(board, "board", first, "reopen", "Which form?")
    with pytest.raises(Invalid):
        revise(board, change)
    answer(board, "owner", first, "resolve", "The blue one.")
    assert revise(board, change).revision == 2
    shown = signed_in(board.people["board"]).get(f"/changes/{change.pk}/").content.decode()
    for words in ("Which form?", "The blue one.", "The form is named.", "revision 1"):
        assert words in shown
    actions = AuditEvent.objects.filter(action__startswith="change.point").order_by("id")
    assert [one.action.split(".")[1] for one in actions] == [
        "points_asked",
        "point_resolved",
        "point_resolved",
        "point_reopened",
        "point_resolved",
    ]


def test_who_answers_and_who_opens_a_point_again(board: Board) -> None:
    point = ChangePoint.objects.of_change(asked(board).pk)[0]
    for role in ("board", "compliance", "administrator"):
        with pytest.raises(NotAllowed):
            answer(board, role, point, "resolve")
    answer(board, "owner", point, "resolve")
    with pytest.raises(WrongState):
        answer(board, "owner", point, "resolve")
    for role in ("owner", "finance"):
        with pytest.raises(NotAllowed):
            answer(board, role, point, "reopen")
    with pytest.raises(Invalid):
        answer(board, "board", point, "reopen", " ")
    assert answer(board, "board", point, "reopen", "No.").state == "open"
    services.withdraw(
        actor=board.actor("owner"),
        change_id=point.decision.change_id,
        reason="",
        now=timezone.now(),
    )
    with pytest.raises(WrongState):
        answer(board, "owner", point, "resolve")


def test_the_page_takes_points_and_answers(board: Board) -> None:
    change = make_change(board)
    url = f"/changes/{change.pk}/"
    member, owner = signed_in(board.people["board"]), signed_in(board.people["owner"])
    typed = {"digest": change.digest, "outcome": "request_changes", "points": "x" * 501}
    refused = member.post(f"{url}decide/", typed)
    assert refused.status_code == 422 and "x" * 501 in refused.content.decode()
    assert member.post(f"{url}decide/", typed | {"points": "\n".join(POINTS)}).status_code == 302
    point = ChangePoint.objects.of_change(change.pk)[0]
    assert owner.post(f"{url}revise/", {"reason": "x"}).status_code == 422
    empty = owner.post(f"{url}points/{point.pk}/", {"action": "resolve", "answer": ""})
    assert empty.status_code == 422 and b"Say what was done." in empty.content
    done = owner.post(f"{url}points/{point.pk}/", {"action": "resolve", "answer": "<b>Named</b>"})
    assert done.status_code == 302
    shown = member.get(url).content.decode()
    assert "&lt;b&gt;Named&lt;/b&gt;" in shown and "Open again" in shown
    stranger = signed_in(make_person("owner", make_team()))
    assert stranger.post(f"{url}points/{point.pk}/", {"answer": "x"}).status_code == 404


def test_points_over_the_api(board: Board) -> None:
    change = make_change(board)
    url = f"/api/v1/change-requests/{change.pk}/"
    member, owner = signed_in(board.people["board"]), signed_in(board.people["owner"])
    body = {"outcome": "request_changes", "digest_seen": change.digest}
    assert member.post(f"{url}decisions/", body, JSON).json()["errors"].keys() == {"points"}
    assert member.post(f"{url}decisions/", body | {"points": POINTS}, JSON).status_code == 201
    listed = owner.get(f"{url}points/").json()["results"]
    assert {one["text"] for one in listed} == set(POINTS)
    answered = {"action": "resolve", "answer": "Done."}
    reply = owner.post(f"{url}points/{listed[0]['id']}/", answered, JSON).json()
    assert (reply["state"], reply["answers"][0]["text"]) == ("resolved", "Done.")
    assert owner.post(f"{url}revise/", {"reason": "x"}, JSON).status_code == 400


def key_of(change: ChangeRequest, label: str) -> str:
    [found] = [one for one in field_diffs(change.base, change.snapshot) if one.label == label]
    return f"{found.key}:1"


def test_a_thread_stands_at_its_line_until_a_revision_changes_it(board: Board) -> None:
    change = make_change(board)
    line = key_of(change, "title")
    said = say(board, "board", change, "Too long?", line=line, revision=1).comment
    assert said.quote == change.snapshot["title"]
    reply = say(board, "owner", change, "No.", parent_id=said.pk).comment
    deeper = say(board, "board", change, "Fine.", parent_id=reply.pk).comment
    assert deeper.parent_id == said.pk
    client, url = signed_in(board.people["board"]), f"/changes/{change.pk}/"
    discussion = client.get(url).context["discussion"]
    assert [row.field.label for row in discussion.rows if row.is_discussed] == ["title"]
    UseCase.objects.filter(pk=change.subject_id).update(title="Another title")
    revise(board, change)
    page = client.get(url)
    assert [one.comment for one in page.context["discussion"].earlier] == [said]
    shown = page.content.decode()
    assert said.quote in shown and "On an earlier revision" in shown and "Fine." in shown


def test_a_line_of_an_older_revision_is_refused_and_the_words_are_kept(board: Board) -> None:
    change = make_change(board)
    line = key_of(change, "title")
    revise(board, change)
    client = signed_in(board.people["board"])
    typed = {"text": "About the title.", "line": line, "revision": "1"}
    refused = client.post(f"/changes/{change.pk}/comment/", typed)
    assert refused.status_code == 422 and b"About the title." in refused.content
    for bad in ("nonsense", "title:99", ":", "x" * 400):
        with pytest.raises(Invalid):
            say(board, "board", change, "x", line=bad)
    with pytest.raises(NotFound):
        say(board, "board", change, "x", parent_id=0)


def test_the_comment_link_works_with_and_without_scripts(board: Board) -> None:
    change = make_change(board)
    client, url = signed_in(board.people["board"]), f"/changes/{change.pk}/"
    line = key_of(change, "title")
    whole = client.get(url, {"line": line}).content.decode()
    assert 'id="say"' in whole and "<html" in whole
    fragment = client.get(url, {"line": line}, headers={"hx-request": "true"}).content.decode()
    assert 'id="say"' in fragment and "<html" not in fragment
    gone = client.get(url, {"line": "nothing:1"}, headers={"hx-request": "true"})
    assert b"not in the revision" in gone.content
    posted = client.post(f"{url}comment/", {"text": "Why?", "line": line, "revision": "1"})
    said = Comment.objects.get()
    assert posted["Location"] == f"{url}#comment-{said.pk}" and said.line == line


def test_a_thread_is_marked_by_those_it_concerns(board: Board) -> None:
    change = make_change(board)
    said = say(board, "compliance", change, "Checked?").comment

    def settle(role: str, is_resolved: bool) -> Comment:
        return settle_thread(
            actor=board.actor(role),
            change_id=change.pk,
            comment_id=said.pk,
            is_resolved=is_resolved,
            now=timezone.now(),
        )

    with pytest.raises(NotAllowed):
        settle("finance", True)
    assert settle("owner", True).resolved_by == board.people["owner"]
    with pytest.raises(WrongState):
        settle("compliance", True)
    assert settle("board", False).resolved_at is None
    client = signed_in(board.people["compliance"])
    done = client.post(f"/changes/{change.pk}/comments/{said.pk}/settle/", {"resolved": "yes"})
    assert done.status_code == 302
    api = f"/api/v1/change-requests/{change.pk}/comments/{said.pk}/settle/"
    assert client.post(api, {"resolved": False}, JSON).json()["resolved_at"] is None


def test_a_mention_tells_who_may_see_the_change_and_nobody_else(board: Board) -> None:
    change = make_change(board)
    member, stranger = board.people["compliance"], make_person("owner", make_team())
    twins = [make_person("finance"), make_person("finance")]
    User.objects.filter(pk__in=[one.pk for one in twins]).update(name="Kim Twin")
    Notification.objects.all().delete()
    text = (
        f"@{member.name}, @{stranger.email} and @{stranger.name}: please look. "
        f"@nobody@placet.example @Kim Twin mail me at a@b.example, @{board.people['board'].email}."
    )
    said = say(board, "board", change, text)
    assert list(said.told.people) == [member]
    assert stranger.email in said.told.sentence and "can see" in said.told.sentence
    assert len(said.told.unknown) == 4
    [notice] = Notification.objects.filter(title__startswith="Person")
    assert (notice.user, notice.url) == (member, f"/changes/{change.pk}/#comment-{said.comment.pk}")
    body = {"text": f"@{member.email} @{stranger.email}"}
    client = signed_in(board.people["board"])
    reply = client.post(f"/api/v1/change-requests/{change.pk}/comments/", body, JSON).json()
    assert reply["mentioned"] == [member.pk]
    assert reply["unknown_mentions"] == [stranger.email]


def test_the_page_asks_as_much_for_many_threads_and_points(board: Board) -> None:
    def asked(rows: int) -> int:
        points = [f"Point {number}" for number in range(rows)]
        change = decide(
            board, "board", make_change(board), outcome="request_changes", points=points
        )
        for point in ChangePoint.objects.of_change(change.pk):
            answer(board, "owner", point, "resolve")
        for _ in range(rows):
            said = say(board, "board", change, "Why?", line=key_of(change, "title")).comment
            for role in ["owner", "compliance"][:rows]:
                say(board, role, change, "Because.", parent_id=said.pk)
        return queries(lambda: client.get(f"/changes/{change.pk}/"))

    client = signed_in(board.people["board"])
    client.get("/changes/")
    assert asked(1) == asked(3)


def test_lines_are_numbered_as_shown_and_followed_by_their_words() -> None:
    [field] = field_diffs({"text": "a\nb\nc"}, {"text": "new\na\nb b\nc"})
    lines = lines_of(field)
    assert [line.text for line in lines] == ["new", "a", "b b", "c"]
    assert lines[2].key == "text:3" and lines[2].label == "text, line 3"
    moved = place("text:2", "b b", lines)
    assert isinstance(moved, Line) and moved.key == "text:3"
    assert place("text:2", "gone", lines) is None
    [many] = field_diffs({}, {"text": "\n".join("x" * 500)})
    assert len(lines_of(many)) == 1


def test_what_a_text_mentions() -> None:
    text = "@ann@placet.example, @Ann Lee. x@y.example @@z @ann@placet.example"
    first, second = mentions_in(text)
    assert first.address == "ann@placet.example"
    assert second.names[1:] == ("Ann Lee.", "Ann Lee", "Ann")
    assert len(mentions_in(" ".join(f"@a{number}" for number in range(50)))) == 20
