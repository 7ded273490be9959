"""What callers may ask for beside messages: passed on where the release allows it, else refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from prompts.gateway.asked import asked_of
from prompts.gateway.demo.content import ANSWER_SCHEMA
from prompts.gateway.equal_schemas import same_schema
from prompts.gateway.refusals import InvalidRequest, Refusal, UnsupportedParameter
from tests.factories.clients import with_clerk
from tests.factories.organisation import Provider, provider

TEXT = {"type": "text"}
JSON = {"type": "json_schema", "schema": ANSWER_SCHEMA}
OWN = {"temperature": "0.1", "max_tokens": 200}
OPEN = OWN | {"caller_may_set": ["max_tokens", "presence_penalty", "seed", "stop", "temperature"]}


@pytest.fixture
def model(settings: Any) -> Iterator[Provider]:
    with provider("Hello") as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        yield scripted


@pytest.mark.django_db
def test_what_may_be_set_reaches_the_model(model: Provider) -> None:
    here = with_clerk(TEXT, parameters=OPEN)
    given = {"temperature": 0.5, "seed": 7, "stop": "END", "max_completion_tokens": 50}
    body = {"model": "licence-review/clerk", "messages": [{"role": "user", "content": "Hi"}]}
    answer = Client().post(
        "/v1/chat/completions",
        json.dumps(body | given),
        content_type="application/json",
        headers={"authorization": f"Bearer {here.key}"},
    )
    assert answer.status_code == 200
    asked = model.asked[0]
    assert (asked["temperature"], asked["seed"], asked["stop"]) == (0.5, 7, ["END"])
    assert asked["max_tokens"] == 50 and "max_completion_tokens" not in asked


@pytest.mark.parametrize(
    ("own", "given", "sent"),
    [
        (OWN, {}, {"temperature": 0.1}),
        (OWN, {"temperature": 0.1}, {"temperature": 0.1}),
        (OWN, {"presence_penalty": 0, "frequency_penalty": 0.0}, {"temperature": 0.1}),
        (OPEN, {"temperature": 0}, {"temperature": 0}),
        (OPEN, {"stop": ["a", "b"]}, {"temperature": 0.1, "stop": ["a", "b"]}),
        ({"seed": 7}, {}, {"seed": 7}),
    ],
)
def test_the_callers_come_over_the_releases(
    own: dict[str, Any], given: dict[str, Any], sent: dict[str, Any]
) -> None:
    assert asked_of(own, TEXT, given).parameters == sent


@pytest.mark.parametrize(
    ("own", "given", "most"),
    [
        ({}, {}, 512),
        (OWN, {"max_tokens": 50}, 50),
        (OWN, {"max_tokens": 5000}, 200),
        (OWN, {"max_tokens": 90, "max_completion_tokens": 60}, 60),
        (OWN | {"caller_may_set": []}, {"max_tokens": 200}, 200),
    ],
)
def test_the_fewest_tokens_hold(own: dict[str, Any], given: dict[str, Any], most: int) -> None:
    assert asked_of(own, TEXT, given).max_tokens == most


@pytest.mark.parametrize(
    ("own", "given", "kind"),
    [
        (OWN, {"temperature": 0.2}, UnsupportedParameter),
        (OWN, {"top_p": 1}, UnsupportedParameter),
        (OWN, {"seed": 1}, UnsupportedParameter),
        (OWN, {"stop": "x"}, UnsupportedParameter),
        (OWN, {"presence_penalty": 0.1}, UnsupportedParameter),
        (OWN | {"caller_may_set": []}, {"max_tokens": 50}, UnsupportedParameter),
        (OPEN, {"temperature": 3}, InvalidRequest),
        (OPEN, {"temperature": "0.5"}, InvalidRequest),
        (OPEN, {"seed": True}, InvalidRequest),
        (OPEN, {"stop": []}, InvalidRequest),
        (OPEN, {"stop": ["", "x"]}, InvalidRequest),
        (OPEN, {"presence_penalty": -3}, InvalidRequest),
        (OPEN, {"max_tokens": 0}, InvalidRequest),
        (OPEN, {"max_completion_tokens": "9"}, InvalidRequest),
    ],
)
def test_what_may_not_be_is_refused_by_its_name(
    own: dict[str, Any], given: dict[str, Any], kind: type[Refusal]
) -> None:
    with pytest.raises(kind) as refused:
        asked_of(own, TEXT, given)
    assert refused.value.param == next(iter(given))


def named(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "any", "strict": True, "schema": schema}}


@pytest.mark.parametrize(
    ("contract", "wanted", "is_taken"),
    [
        (TEXT, {"type": "text"}, True),
        (TEXT, {"type": "json_object"}, False),
        (TEXT, named(ANSWER_SCHEMA), False),
        ({"type": "labels", "labels": ["a"]}, {"type": "text"}, True),
        (JSON, {"type": "json_object"}, True),
        (JSON, {"type": "text"}, False),
        (JSON, named(ANSWER_SCHEMA), True),
        (JSON, named(ANSWER_SCHEMA | {"title": "Answer"}), True),
        (JSON, named(ANSWER_SCHEMA | {"required": ["spdx"]}), False),
        (JSON, {"type": "json_schema"}, False),
        (JSON, {"type": ["text"]}, False),
    ],
)
def test_the_form_of_the_answer_is_the_releases(
    contract: dict[str, Any], wanted: dict[str, Any], is_taken: bool
) -> None:
    if is_taken:
        assert asked_of({}, contract, {"response_format": wanted}).contract == contract
    else:
        with pytest.raises(UnsupportedParameter, match="The release decides it"):
            asked_of({}, contract, {"response_format": wanted})


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ({"required": ["a", "b"]}, {"required": ["b", "a"]}, True),
        ({"properties": {"title": {"type": "string"}}}, {"properties": {}}, False),
        ({"properties": {"a": {"title": "A"}}}, {"properties": {"a": {}}}, True),
        ({"const": {"title": "A"}}, {"const": {}}, False),
        ({"minimum": 1}, {"minimum": True}, False),
        ({"anyOf": [{"title": "A"}]}, {"anyOf": [{}]}, True),
    ],
)
def test_schemas_are_the_same_but_for_what_only_names(one: Any, other: Any, is_same: bool) -> None:
    assert same_schema(one, other) is is_same
