"""A receiver of webhooks on loopback, and an endpoint that the operator lets through to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.factories.serving import serving


@dataclass
class Receiver:
    """What arrived, as (headers, body); `answers` in order, the last for ever."""

    url: str = ""
    place: str = ""
    answers: list[int | Callable[[], int]] = field(default_factory=lambda: [204])
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def receiver(*answers: int | Callable[[], int]) -> Iterator[Receiver]:
    heard = Receiver(answers=list(answers) or [204])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            heard.got.append((headers, body))
            answer = heard.answers.pop(0) if len(heard.answers) > 1 else heard.answers[0]
            self.send_response(answer() if callable(answer) else answer)
            self.send_header("location", heard.url + "elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    heard.place = f"127.0.0.1:{server.server_port}"
    heard.url = f"http://{heard.place}/hook"
    with serving(server):
        yield heard
