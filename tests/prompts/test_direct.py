"""The pooled client: it reads what it takes, follows nobody, and mixes no answers up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from prompts.gateway import direct
from tests.factories.serving import serving
from tests.factories.ways import WAYS, run_by
from tests.load.processes import free_port


@dataclass
class Server:
    """Answers each request by the next script; counts its connections."""

    url: str = ""
    scripts: list[Any] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            state.connections.add(self.client_address)
            self.rfile.read(int(self.headers["content-length"]))
            state.scripts.pop(0)(self)

        def log_message(self, *_: Any) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    state.url = f"http://127.0.0.1:{running.server_port}/"
    with serving(running):
        yield state


def whole(content: bytes, status: int = 200, **headers: str) -> Any:
    def answer(handler: Any) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def chunked(*parts: bytes) -> Any:
    def answer(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("transfer-encoding", "chunked")
        handler.end_headers()
        for part in [*parts, b""]:
            handler.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")

    return answer


def ask(server: Server, timeout_seconds: float = 10) -> direct.Asked:
    return direct.Asked(server.url, {"text": "ä"}, {"authorization": "Bearer x"}, timeout_seconds)


Read = Callable[..., tuple[int, bytes]]


def answered(asked: direct.Asked, most_bytes: int = 100) -> tuple[int, bytes]:
    found = direct.answered(asked, most_bytes)
    return found.status, found.content


@pytest.fixture(params=WAYS)
def read(request: Any) -> Iterator[Read]:
    """Both clients are one to whoever asks."""
    with run_by(request.param) as run:
        yield lambda *values: run(partial(answered, *values))


def test_one_connection_serves_answers_that_were_read_whole(server: Server, read: Read) -> None:
    server.scripts = [whole(b"one"), chunked(b"t", b"wo"), whole(b"no", 500)]
    assert read(ask(server)) == (200, b"one")
    assert read(ask(server)) == (200, b"two")
    assert read(ask(server)) == (500, b"")  # is not read
    assert len(server.connections) == 1


def test_what_is_left_of_an_answer_is_not_the_next_one(server: Server, read: Read) -> None:
    server.scripts = [whole(b"x" * 50_000), chunked(b"y" * 50_000), whole(b"clean")]
    for _ in range(2):
        with pytest.raises(direct.Stopped) as stopped:
            read(ask(server), 10)
        assert stopped.value.why == "too_large" and stopped.value.came
    assert read(ask(server), 10) == (200, b"clean")


def test_lines_come_as_they_are_sent(server: Server, read: Read) -> None:
    goes_on = threading.Event()

    def answer(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("connection", "close")
        handler.end_headers()
        handler.wfile.write("data: erst\r\ndata: zwéi".encode())
        handler.wfile.flush()
        goes_on.wait(10)
        handler.wfile.write(b"te\nlast")
        handler.close_connection = True

    server.scripts = [answer, whole(b"after")]
    with direct.posted(ask(server)) as reply:
        lines = reply.lines(1000)
        assert (reply.status, next(lines)) == (200, "data: erst")
        goes_on.set()
        assert list(lines) == ["data: zwéite", "last"]
    assert read(ask(server)) == (200, b"after")


def test_nobody_is_followed_and_nothing_is_asked_twice(server: Server, read: Read) -> None:
    server.scripts = [whole(b"", 307, location=server.url), whole(b"never")]
    assert read(ask(server)) == (307, b"")
    assert len(server.scripts) == 1


def test_half_an_answer_and_no_answer_are_errors(server: Server, read: Read) -> None:
    def half(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("content-length", "100")
        handler.end_headers()
        handler.wfile.write(b"half")
        handler.close_connection = True

    waits = threading.Event()
    server.scripts = [half, lambda handler: waits.wait(10)]
    with pytest.raises(direct.Stopped) as stopped:
        read(ask(server), 1000)
    assert stopped.value.why == "broken_off"
    with pytest.raises(direct.NoAnswer) as none:
        read(ask(server, 0.05))
    assert none.value.is_late
    waits.set()


def test_an_answer_in_drops_ends_when_its_time_is_over(server: Server, read: Read) -> None:
    gone = threading.Event()

    def drop(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("content-length", "100000")
        handler.end_headers()
        while not gone.wait(0.02):
            handler.wfile.write(b".")
            handler.wfile.flush()

    server.scripts = [drop]
    with pytest.raises(direct.Stopped) as stopped:
        read(ask(server, 0.2), 100_000)
    gone.set()
    assert stopped.value.why == "timeout" and set(stopped.value.came or b"") == {ord(".")}


def test_nobody_at_that_address_was_never_asked(server: Server, read: Read) -> None:
    nowhere = direct.Asked(f"http://127.0.0.1:{free_port()}", {}, {}, 5)
    with pytest.raises(direct.NeverAsked):
        read(nowhere)


def test_a_connection_that_ends_before_an_answer_is_none(server: Server, read: Read) -> None:
    def leave(handler: Any) -> None:
        handler.close_connection = True

    server.scripts = [leave]
    with pytest.raises(direct.NoAnswer) as none:
        read(ask(server))
    assert not none.value.is_late
