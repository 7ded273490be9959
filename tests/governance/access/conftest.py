"""An administrator who is signed in, and how to count questions to the database."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.access.models import User
from tests.factories.ledger import make_person


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def assert_constant(client: Client, url: str, add_one: Callable[[], object]) -> None:
    """As many queries with three rows as with one, and not many."""
    add_one()
    once = queries(client, url)
    add_one()
    add_one()
    assert queries(client, url) == once <= 12


@pytest.fixture
def ada(db: None) -> User:
    return make_person("administrator")


@pytest.fixture
def admin(ada: User) -> Client:
    return signed_in(ada)
