"""The ASGI door of `/v1/`: unmodified clients, heartbeats, errors and what every reply carries."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import httpx
import openai
import pytest

from governance.config.asgi import application
from governance.registry.models import UseCase
from prompts.gateway import asgi, entrances, streaming
from telemetry.ledger.models import Call
from tests.factories.organisation import GOOD, Provider, World, provider, world

pytestmark = pytest.mark.django_db(transaction=True)
T = TypeVar("T")
VARIABLES = {"variables": {"licence_text": "MIT License"}}


@pytest.fixture
def here() -> World:
    made = world()
    UseCase.objects.filter(pk=made.use_case.pk).update(oversight="none", tier="minimal")
    return made


@pytest.fixture
def model(settings: Any) -> Iterator[Provider]:
    with provider() as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        yield scripted


def through_the_door(key: str, work: Callable[[openai.AsyncOpenAI], Awaitable[T]]) -> T:
    """What OpenAI's own client makes of the door."""

    async def run() -> T:
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport) as http:
            client = openai.AsyncOpenAI(
                base_url="http://placet.test/v1", api_key=key, http_client=http, max_retries=0
            )
            return await work(client)

    return asyncio.run(run())


def test_openai_client_asks_and_streams(here: World, model: Provider) -> None:
    async def work(client: openai.AsyncOpenAI) -> tuple[Any, str, list[str]]:
        whole = await client.chat.completions.with_raw_response.create(
            model="licence-review", messages=[], extra_body=VARIABLES
        )
        pieces = ""
        async for piece in await client.chat.completions.create(
            model="licence-review", messages=[], extra_body=VARIABLES, stream=True
        ):
            pieces += piece.choices[0].delta.content or ""
        names = [one.id async for one in client.models.list()]
        return whole, pieces, names

    whole, pieces, names = through_the_door(here.key, work)
    assert whole.parse().choices[0].message.content == pieces == GOOD
    assert whole.headers["x-call-state"] == "delivered"
    assert whole.headers["x-ratelimit-remaining-requests"] == "599"
    assert len(whole.headers["x-request-id"]) == 36
    assert names == ["licence-review"]
    assert set(Call.objects.values_list("state", flat=True)) == {"delivered"}


def test_refusals_have_openais_shape(here: World, model: Provider) -> None:
    async def work(client: openai.AsyncOpenAI) -> None:
        with pytest.raises(openai.NotFoundError) as missing:
            await client.chat.completions.create(model="other", messages=[])
        assert missing.value.code == "model_not_found"
        with pytest.raises(openai.NotFoundError) as unknown:
            await client.files.list()
        assert unknown.value.code == "unknown_url"
        with pytest.raises(openai.APIStatusError) as method:
            await client.post("/models", cast_to=object)
        assert (method.value.status_code, method.value.code) == (405, "method_not_allowed")

    through_the_door(here.key, work)


def test_a_wrong_key_and_a_body_too_large(here: World) -> None:
    async def work(client: openai.AsyncOpenAI) -> None:
        with pytest.raises(openai.AuthenticationError):
            await client.models.list()
        with pytest.raises(openai.APIStatusError) as large:
            await client.chat.completions.create(
                model="x",
                messages=[{"role": "user", "content": "x" * entrances.MOST_BODY_BYTES}],
            )
        assert large.value.status_code == 413

    through_the_door("plc_wrong_key", work)


def test_a_fault_of_ours_is_said_in_shape_and_logged(
    here: World, model: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(arrived: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(entrances.ROUTES, "models", ("GET", breaks))

    async def work(client: openai.AsyncOpenAI) -> None:
        with pytest.raises(openai.InternalServerError) as fault:
            await client.models.list()
        assert fault.value.code == "internal_error"

    through_the_door(here.key, work)


def test_a_stream_that_waits_shows_that_it_lives(
    here: World, model: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider answers only once a comment has been sent."""
    monkeypatch.setattr(asgi, "HEARTBEAT_SECONDS", 0.01)
    commented = threading.Event()

    def when_commented() -> str:
        assert commented.wait(30)
        return GOOD

    model.answers = [when_commented]
    sent: list[bytes] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message.get("body", b""))
        if asgi.streaming.COMMENT in sent:
            commented.set()

    body = b'{"model": "licence-review", "stream": true, "variables": {"licence_text": "MIT"}}'

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/chat/completions",
        "headers": [(b"authorization", f"Bearer {here.key}".encode())],
    }
    asyncio.run(application(scope, receive, send))
    assert sent[-1] == b"" and sent[-2].endswith(asgi.streaming.DONE)


def test_a_client_that_goes_away_has_its_call_booked(here: World, model: Provider) -> None:
    async def send(message: dict[str, Any]) -> None:
        raise ConnectionResetError

    body = b'{"model": "licence-review", "stream": true, "variables": {"licence_text": "MIT"}}'

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/chat/completions",
        "headers": [(b"authorization", f"Bearer {here.key}".encode())],
    }
    asyncio.run(application(scope, receive, send))
    call = Call.objects.get()
    assert (call.state, call.tokens_output) == ("delivered", 20)


def test_half_a_body_makes_no_call(here: World, model: Provider) -> None:
    """What was sent before the client left would be a whole request."""
    messages = [
        {
            "type": "http.request",
            "body": b'{"model": "licence-review", "variables": {"licence_text": "MIT"}}',
            "more_body": True,
        },
        {"type": "http.disconnect"},
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/chat/completions",
        "headers": [(b"authorization", f"Bearer {here.key}".encode())],
    }
    asyncio.run(application(scope, receive, send))
    assert (sent, model.asked, Call.objects.count()) == ([], [], 0)


def test_what_a_thread_emits_meanwhile_comes_in_one_and_its_end_at_once() -> None:
    emitted: list[Any] = [b"a", b"b", streaming.Begun({}), b"c", b"d"]

    async def run() -> list[Any]:
        events = asgi.Events(asyncio.get_running_loop())
        for one in emitted:
            await asyncio.to_thread(events.emit, one)
        first = await events.next()
        await asyncio.to_thread(events.emit, b"e")
        await asyncio.to_thread(events.end)
        # Long before a comment would be due.
        return [first, await events.next(), await asyncio.wait_for(events.next(), 4)]

    assert asyncio.run(run()) == [[b"ab", streaming.Begun({}), b"cd"], [b"e"], None]


def test_nothing_that_a_thread_emits_is_missed() -> None:
    numbers = [f"{number};".encode() for number in range(5_000)]

    async def run() -> bytes:
        events = asgi.Events(asyncio.get_running_loop())

        def work() -> None:
            for one in numbers:
                events.emit(one)
            events.end()

        working = asyncio.ensure_future(asyncio.to_thread(work))
        came: list[Any] = []
        while (some := await events.next()) is not None:
            came += some
        await working
        return b"".join(came)

    assert asyncio.run(run()) == b"".join(numbers)
