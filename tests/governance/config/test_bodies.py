"""A request's body through the web server's own entrance: sealed on disk, bounded, refused kindly."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from governance.config import bodies
from governance.config.asgi import application, pages

WORD = b"the very secret word "


def post(path: str, content: Any, **headers: str) -> httpx.Response:
    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            return await http.post(path, content=content, headers=headers)

    return asyncio.run(run())


async def in_pieces(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield WORD * 5000


def test_the_pages_are_served_by_the_handler_that_seals() -> None:
    assert isinstance(pages, bodies.SealedBodies)


def test_a_large_body_never_stands_on_disk_in_clear(tmp_path: Path, monkeypatch: Any) -> None:
    opened: list[Any] = []
    real = tempfile.TemporaryFile

    def watched(*args: Any, **options: Any) -> Any:
        opened.append(real(*args, **options, dir=tmp_path))
        return opened[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", watched)
    body = bodies.BodyFile(most=9_000_000)
    for _ in range(40):
        body.add(WORD * 5000)
    stream = body.opened()
    assert stream.read(21) == WORD and len(opened) == 1
    opened[0].seek(0)
    on_disk = opened[0].read()
    assert len(on_disk) > 4_000_000 and b"secret" not in on_disk
    stream.seek(0)
    assert stream.read() == WORD * 200_000
    body.close()


@pytest.mark.django_db(transaction=True)
def test_more_than_an_address_takes_is_refused_with_or_without_its_length() -> None:
    said = post("/api/v1/legal-holds/", WORD * 300_000)
    assert said.status_code == 413 and "at most 5 MB" in said.text
    unsaid = post("/api/v1/legal-holds/", in_pieces(60))
    assert unsaid.status_code == 413 and "at most 5 MB" in unsaid.text
    small = post("/accounts/login/", b"login=a&password=b")
    assert small.status_code == 403  # no token came with it: Django has read the form
    batch = post("/api/v1/batches/", in_pieces(60), **{"content-type": "application/json"})
    assert batch.status_code in (401, 403, 415)  # within its 51 MB: it gets to the door


def test_what_is_too_long_is_counted_and_not_kept() -> None:
    body = bodies.BodyFile(most=10)
    for _ in range(3):
        body.add(b"12345")
    assert body.size == 15 and body.opened().read() == b""
