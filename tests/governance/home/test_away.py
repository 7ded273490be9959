"""Pages and the API while the database refuses connections: 503, said in words, and then well again."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test import Client

from tests.factories.ledger import make_person


@contextmanager
def database_away() -> Iterator[None]:
    """Connections are refused: nobody listens at the port."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    known = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict |= {"HOST": "127.0.0.1", "PORT": str(port)}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(known)


@pytest.mark.django_db(transaction=True)
def test_pages_and_the_api_say_so_and_recover_by_themselves() -> None:
    person = make_person("board")
    signed_in, stranger = (Client(raise_request_exception=False) for _ in range(2))
    signed_in.force_login(person)
    key = {"authorization": "Bearer plc_abcdefgh_" + "x" * 43}
    with database_away():
        for client, method, path in (
            (signed_in, "get", "/"),
            (signed_in, "get", "/changes/"),
            (signed_in, "post", "/notifications/"),
            (stranger, "post", "/accounts/login/"),
        ):
            form = {"login": "a@example.org", "password": "x"}
            page = getattr(client, method)(path, form if method == "post" else {})
            assert (page.status_code, page["retry-after"]) == (503, "5"), path
            assert page["content-type"].startswith("text/html"), path
            words = page.content.decode()
            assert "does not answer now" in words and "load this page again" in words
            assert "Traceback" not in words and "127.0.0.1" not in words
        for client, headers, path in (
            (signed_in, {}, "/api/v1/change-requests/"),
            (stranger, key, "/api/v1/calls/01970000-0000-7000-8000-000000000000/"),
        ):
            said = client.get(path, headers=headers)
            assert (said.status_code, said["retry-after"]) == (503, "5"), path
            assert said["content-type"] == "application/problem+json"
            assert (said.json()["status"], said.json()["code"]) == (503, "unavailable")
            assert "127.0.0.1" not in said.content.decode()
    assert signed_in.get("/changes/").status_code == 200
    assert signed_in.get("/api/v1/change-requests/").status_code == 200
