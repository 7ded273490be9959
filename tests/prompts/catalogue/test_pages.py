"""A prompt is begun, written, tried and compared on its pages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.registry.models import UseCase
from prompts.catalogue.models import Prompt, PromptVersion
from tests.factories.clients import TICKET, TOOLS
from tests.factories.ledger import make_person, make_team, make_use_case
from tests.factories.prompts import CONTENT, make_prompt, make_version

pytestmark = pytest.mark.django_db
SCHEMA = '{"type": "object", "properties": {"letter": {"type": "string"}}, "required": ["letter"]}'


def typed(*texts: str, **changes: Any) -> dict[str, Any]:
    """The form as it is sent."""
    texts = texts or ("You summarise.", "Letter: {{letter}}")
    roles = ["system", "user", "assistant", "user"][: len(texts)]
    filled = {
        "role": roles,
        "content": list(texts),
        "variables": SCHEMA,
        "contract_type": "text",
        "max_chars": "",
        "temperature": "0.2",
        "max_tokens": "100",
        "changelog": "First words",
        "action": "save",
    }
    return filled | changes


def shown(client: Client, url: str, data: dict[str, Any] | None = None, status: int = 200) -> str:
    answer = client.get(url) if data is None else client.post(url, data)
    assert answer.status_code == status
    return answer.content.decode()


def test_a_prompt_is_begun_and_written(signed_in: Client, use_case: UseCase) -> None:
    assert use_case.title in shown(signed_in, "/prompts/new/")
    begun = signed_in.post(
        "/prompts/new/",
        {"name": "Letter summary", "use_case": use_case.slug, "style": "plain", "purpose": "Short"},
    )
    assert begun["Location"] == "/prompts/letter-summary/new-version/"
    assert "Write the first version" in shown(signed_in, "/prompts/letter-summary/")
    assert shown(signed_in, begun["Location"])
    saved = signed_in.post(begun["Location"], typed())
    assert saved["Location"] == "/prompts/letter-summary/"
    version = PromptVersion.objects.get()
    assert version.messages[1] == {"role": "user", "content": "Letter: {{letter}}"}
    assert version.parameters == {"temperature": "0.2", "max_tokens": 100}
    assert version.output_contract == {"type": "text"}
    actions = AuditEvent.objects.filter(subject_id=str(version.prompt_id)).order_by("at", "id")
    assert sorted(one.action for one in actions if one.action.startswith("prompt.")) == [
        "prompt.created",
        "prompt.version_created",
    ]
    page = shown(signed_in, "/prompts/letter-summary/")
    assert "First words" in page and "Letter: {{letter}}" in page
    assert version.content_hash in shown(signed_in, "/prompts/letter-summary/versions/1/")


def test_tools_and_what_callers_may_set_are_written_on_the_page(
    signed_in: Client, prompt: Prompt
) -> None:
    url = f"/prompts/{prompt.slug}/new-version/"
    tools = {"contract_type": "tools", "tools": json.dumps([TICKET]), "text_allowed": "yes"}
    settable = {"asks_caller_may_set": "yes", "caller_may_set": ["seed", "stop"]}
    wrong = shown(signed_in, url, typed(**(tools | {"tools": "{}"})), 422)
    assert "Write a JSON list of tools" in wrong
    signed_in.post(url, typed(**tools, **settable))
    version = PromptVersion.objects.get()
    assert version.output_contract == TOOLS | {"text_allowed": True}
    assert version.parameters["caller_may_set"] == ["seed", "stop"]
    again = shown(signed_in, url)
    assert "open_ticket" in again
    assert 'name="caller_may_set" value="seed" checked' in again
    assert 'name="caller_may_set" value="max_tokens" checked' not in again
    assert "seed, stop" in shown(signed_in, f"/prompts/{prompt.slug}/versions/1/")


def test_the_short_name_comes_from_the_name_and_is_free(
    signed_in: Client, prompt: Prompt, use_case: UseCase
) -> None:
    facts = {"use_case": use_case.slug, "style": "plain"}
    signed_in.post("/prompts/new/", facts | {"name": "Letters"})
    signed_in.post("/prompts/new/", facts | {"name": "New"})
    assert set(Prompt.objects.values_list("slug", flat=True)) == {"letters", "letters-2", "new-2"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": " "}, "Give it a name."),
        ({"name": "x" * 151}, "At most 150"),
        ({"slug": "letters"}, "Another prompt has this short name."),
        ({"slug": "new"}, "Write another"),
        ({"slug": "a b"}, "Write another"),
        ({"style": "poem"}, "Choose one of plain"),
        ({"use_case": "somebody-elses"}, "Choose one of a team"),
    ],
)
def test_a_prompt_that_does_not_fit_keeps_what_was_typed(
    signed_in: Client, prompt: Prompt, use_case: UseCase, changes: dict[str, str], words: str
) -> None:
    filled = {
        "name": "Second",
        "use_case": use_case.slug,
        "style": "plain",
        "purpose": "Kept purpose",
    }
    page = shown(signed_in, "/prompts/new/", filled | changes, 422)
    assert f'<p class="error" id="{next(iter(changes))}-error">' in page
    assert words in page and "Kept purpose" in page
    assert Prompt.objects.count() == 1


def test_a_use_case_of_another_team_is_not_offered(signed_in: Client, use_case: UseCase) -> None:
    stranger = make_use_case(make_team(), title="Strangers only")
    page = shown(signed_in, "/prompts/new/")
    assert use_case.title in page and stranger.title not in page
    filled = {"name": "X", "use_case": stranger.slug, "style": "plain"}
    assert "Choose one of a team" in shown(signed_in, "/prompts/new/", filled, 422)


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"content": ["You.", "{{letter}} {{name}}"]}, "variables", "is used but not declared"),
        ({"content": ["You.", "Hello"]}, "variables", "letter is declared but not used"),
        ({"content": ["You.", "{{letter.password}}"]}, "messages", "no attribute"),
        ({"content": ["You.", "{% for a in b %}{{letter}}"]}, "messages", "no loops"),
        ({"variables": "{nonsense"}, "variables", "not valid JSON"),
        ({"variables": "[]"}, "variables", "Write a JSON object"),
        (
            {"contract_type": "json_schema", "schema": "{nonsense"},
            "output_contract",
            "not valid JSON",
        ),
        ({"contract_type": "labels", "labels": "\n"}, "output_contract", "names its labels"),
        ({"max_chars": "many"}, "output_contract", "whole number"),
        ({"temperature": "hot"}, "parameters", "temperature is a number"),
        ({"changelog": " "}, "changelog", "Say in a line"),
    ],
)
def test_a_version_that_does_not_fit_keeps_what_was_typed(
    signed_in: Client, prompt: Prompt, changes: dict[str, Any], field: str, words: str
) -> None:
    page = shown(signed_in, f"/prompts/{prompt.slug}/new-version/", typed(**changes), 422)
    beside = page.split(f'<p class="error" id="{field}-error">')[1].split("</p>")[0]
    assert words in beside.replace("&#x27;", "'")
    kept = next(iter(changes.values()))
    text = kept[-1] if isinstance(kept, list) else kept
    assert text.strip() in page and "You" in page
    assert not prompt.versions.exists()


def test_rows_are_added_and_removed_without_a_script(signed_in: Client, prompt: Prompt) -> None:
    url = f"/prompts/{prompt.slug}/new-version/"
    more = shown(signed_in, url, typed(action="add"))
    assert more.count('name="content"') == 3 and "Letter: {{letter}}" in more
    less = shown(signed_in, url, typed(action="", remove="1"))
    assert less.count('name="content"') == 1 and "You summarise." not in less
    assert not prompt.versions.exists()


def test_what_is_used_can_be_declared_at_a_press(signed_in: Client, prompt: Prompt) -> None:
    url = f"/prompts/{prompt.slug}/new-version/"
    page = shown(signed_in, url, typed("You.", "{{letter}} {{reader}}", action="declare"))
    assert "&quot;reader&quot;" in page
    broken = shown(signed_in, url, typed(action="declare", variables="{"))
    assert "not valid JSON" in broken


def test_a_preview_renders_the_samples_and_saves_nothing(signed_in: Client, prompt: Prompt) -> None:
    url = f"/prompts/{prompt.slug}/new-version/"
    before = AuditEvent.objects.count()
    sample = {"sample-letter": "Dear {{letter}}"}
    page = shown(signed_in, url, typed(action="preview") | sample)
    assert "Letter: Dear {{letter}}</div>" in page
    empty = shown(signed_in, url, typed(action="preview"))
    assert "&#x27;letter&#x27; is a required property" in empty
    broken = shown(signed_in, url, typed("{{ x.y }}", action="preview") | sample)
    assert "no attribute" in broken
    assert (prompt.versions.count(), AuditEvent.objects.count()) == (0, before)


def test_a_preview_answers_htmx_with_the_fragment(signed_in: Client, prompt: Prompt) -> None:
    url = f"/prompts/{prompt.slug}/new-version/"
    answer = signed_in.post(url, typed(action="preview"), headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert b"<html" not in answer.content and b'id="rendered"' in answer.content


def test_a_contract_of_each_type_is_saved_and_offered_again(
    signed_in: Client, prompt: Prompt
) -> None:
    url = f"/prompts/{prompt.slug}/new-version/"
    contracts: list[tuple[dict[str, str], dict[str, Any]]] = [
        ({"contract_type": "text", "max_chars": "50"}, {"type": "text", "max_chars": 50}),
        (
            {"contract_type": "labels", "labels": "yes\r\nno\r\n"},
            {"type": "labels", "labels": ["yes", "no"]},
        ),
        (
            {"contract_type": "json_schema", "schema": '{"type": "object"}'},
            {"type": "json_schema", "schema": {"type": "object"}},
        ),
    ]
    for number, (fields, contract) in enumerate(contracts, 1):
        assert signed_in.post(url, typed(**fields)).status_code == 302
        assert prompt.versions.get(number=number).output_contract == contract
        assert f'value="{contract["type"]}" checked' in shown(signed_in, url)
    assert 'value="50"' in shown(signed_in, f"{url}?from=1")


def test_a_version_begins_as_the_latest(signed_in: Client, prompt: Prompt, engineer: User) -> None:
    make_version(engineer, prompt)
    url = f"/prompts/{prompt.slug}/new-version/"
    page = shown(signed_in, url)
    assert "Letter: {{letter}}" in page and 'value="0.2"' in page


def test_any_two_versions_are_compared(signed_in: Client, prompt: Prompt, engineer: User) -> None:
    for text in ("You summarise letters.", "You summarise long letters.", "You judge."):
        messages = [{"role": "system", "content": text}, CONTENT["messages"][1]]
        make_version(engineer, prompt, messages=messages)
    url = f"/prompts/{prompt.slug}/diff/"
    page = shown(signed_in, f"{url}?a=1&b=2")
    assert "from version 1 to 2" in page
    assert "<ins>long </ins>" in page and "1 field changed" in page
    assert "<del>long </del>" in shown(signed_in, f"{url}?a=2&b=1")
    assert "from version 2 to 3" in shown(signed_in, f"{url}?a=x&b=99")
    assert "say the same" in shown(signed_in, f"{url}?a=1&b=1")
    assert "variables › letter › type" in shown(signed_in, f"{url}?a=1&b=2&same=yes")


def test_without_a_version_there_is_nothing_to_compare(signed_in: Client, prompt: Prompt) -> None:
    assert "nothing to compare" in shown(signed_in, f"/prompts/{prompt.slug}/diff/")


@pytest.mark.parametrize("path", ["new/", "letters/new-version/"])
def test_who_may_only_look_does_not_write(client: Client, prompt: Prompt, path: str) -> None:
    client.force_login(make_person("board"))
    shown(client, f"/prompts/{path}", status=403)
    shown(client, f"/prompts/{path}", typed(), status=403)
    assert "New version" not in shown(client, "/prompts/letters/")
    assert not PromptVersion.objects.exists()


@pytest.mark.parametrize("path", ["", "new-version/", "versions/1/", "diff/"])
def test_a_prompt_of_another_team_does_not_exist(
    client: Client, prompt: Prompt, engineer: User, path: str
) -> None:
    make_version(engineer, prompt)
    client.force_login(make_person("prompt_engineer", make_team()))
    shown(client, f"/prompts/letters/{path}", status=404)
    assert "Letters" not in shown(client, "/prompts/")


def test_an_empty_list_says_what_it_is_for(signed_in: Client) -> None:
    assert "Begin the first" in shown(signed_in, "/prompts/")


@pytest.mark.parametrize("statement", ["UPDATE {} SET changelog = 'x'", "DELETE FROM {}"])
def test_the_database_refuses_to_change_a_version(
    prompt: Prompt, engineer: User, statement: str
) -> None:
    make_version(engineer, prompt)
    with (
        pytest.raises(IntegrityError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format("catalogue_promptversion"))
    assert prompt.versions.get().changelog == "Written"


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as counted:
        assert client.get(url).status_code == 200
    return len(counted)


def test_the_list_asks_as_often_for_three_as_for_one(
    signed_in: Client, prompt: Prompt, engineer: User, use_case: UseCase
) -> None:
    make_version(engineer, prompt)
    queries(signed_in, "/prompts/")
    once = queries(signed_in, "/prompts/")
    for _ in range(2):
        make_version(engineer, make_prompt(engineer, use_case))
    assert queries(signed_in, "/prompts/") == once


def test_the_page_asks_as_often_for_three_versions_as_for_one(
    signed_in: Client, prompt: Prompt, engineer: User
) -> None:
    make_version(engineer, prompt)
    queries(signed_in, "/prompts/letters/")
    once = queries(signed_in, "/prompts/letters/")
    for _ in range(2):
        make_version(engineer, prompt)
    assert queries(signed_in, "/prompts/letters/") == once
