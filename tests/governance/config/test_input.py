"""What is sent: too large, unkeepable, too deep. What is shown: nothing unseen works unseen."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory

from governance.access.api_parser import DEEPEST, MOST_VALUES
from governance.config.middleware import HarmlessText
from governance.home.templatetags.placet import revealed
from governance.kernel.terms import name_fault
from tests.factories.ledger import make_person, make_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator() -> Client:
    make_team()
    client = Client()
    client.force_login(make_person("administrator"))
    return client


def send(client: Client, body: str, path: str = "/api/v1/teams/") -> Any:
    return client.post(path, body, content_type="application/json")


@pytest.mark.parametrize("path", ["/people/?q=%00", "/api/v1/people/?q=a%00", "/people/%00/"])
def test_nul_in_an_address_is_a_sentence(administrator: Client, path: str) -> None:
    reply = administrator.get(path)
    assert reply.status_code in (400, 404)
    assert b"NUL" in reply.content or reply.status_code == 404


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800", "a\\udfffb"])
@pytest.mark.parametrize("path", ["/api/v1/teams/", "/api/v1/change-requests/"])
def test_what_cannot_be_kept_is_refused_wherever_it_stands(
    administrator: Client, text: str, path: str
) -> None:
    body = f'{{"name": "A", "code": "1", "proposal": {{"deep": [{{"in": "{text}"}}]}}}}'
    reply = send(administrator, body, path)
    assert reply.status_code == 400
    assert "cannot be kept" in reply.json()["errors"]["proposal"][0]


def test_json_has_a_depth_and_a_number_of_values(administrator: Client) -> None:
    deep = "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1)
    bottomless = "[" * 100_000 + "]" * 100_000
    many = json.dumps({"name": ["x"] * MOST_VALUES})
    replies = [send(administrator, f'{{"proposal": {one}}}') for one in (deep, bottomless)]
    assert [one.status_code for one in replies] == [400, 400]
    assert all("deeper than 32" in one.json()["title"] for one in replies)
    assert "more than 50,000" in send(administrator, many).json()["title"]


def test_a_request_that_is_too_large_says_how_much_is_taken(
    administrator: Client, settings: Any
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
    body = json.dumps({"name": "x" * 1_000_001})
    api, page = send(administrator, body), administrator.post("/account/", {"name": body})
    assert (api.status_code, page.status_code) == (413, 413)
    assert api.json()["code"] == "too_large"
    assert b"at most 1 MB" in page.content


def test_nul_in_a_form_is_refused_and_nothing_breaks(administrator: Client) -> None:
    reply = administrator.post("/account/", {"name": "A\0B", "time_zone": "UTC"})
    assert reply.status_code == 422
    assert b"Null characters are not allowed" in reply.content


@pytest.mark.parametrize(
    ("name", "is_fine"),
    [
        ("Payroll", True),
        ("على", True),
        ("می‌خواهم", True),
        ("Team 👩‍💻", True),
        ("pay\u202eroll", False),
        ("pay\u200droll", False),
        ("pay\u200broll", False),
        ("a\nb", False),
    ],
)
def test_a_name_reads_as_it_is_written(administrator: Client, name: str, is_fine: bool) -> None:
    assert (name_fault(name) == "") is is_fine
    reply = administrator.post("/account/", {"name": name, "time_zone": "UTC"})
    assert reply.status_code == (302 if is_fine else 422)


def shown(html: str) -> str:
    request = RequestFactory().get("/")
    reply = HarmlessText(lambda asked: HttpResponse(html))(request)
    return reply.content.decode()


def test_overrides_on_a_page_are_marked_symbols_and_fields_keep_what_was_typed() -> None:
    page = shown(
        '<title>a\u202eb</title><p title="x\u2066y">no\u200b&lt;b&gt; \u202e</p>'
        '<textarea name="t">as\u202etyped</textarea><input value="as\u202etyped">'
    )
    assert page == (
        '<title>a⟨U+202E⟩b</title><p title="x⟨U+2066⟩y">no'
        '<span class="unseen" title="U+200B zero width space">⟨U+200B⟩</span>&lt;b&gt; '
        '<span class="unseen" title="U+202E right-to-left override">⟨U+202E⟩</span></p>'
        '<textarea name="t">as\u202etyped</textarea><input value="as\u202etyped">'
    )


@pytest.mark.parametrize(
    "plain", ["می‌خواهم", "👩‍💻", "🏴\U000e0067\U000e0062\U000e007f", "é ü 漢字"]
)
def test_what_languages_and_emoji_need_stays(plain: str) -> None:
    assert shown(f"<p>{plain}</p>") == f"<p>{plain}</p>"


def test_a_difference_marks_joiners_too_and_escapes() -> None:
    assert revealed("<b>\u200d") == (
        '&lt;b&gt;<span class="unseen" title="U+200D zero width joiner">⟨U+200D⟩</span>'
    )
