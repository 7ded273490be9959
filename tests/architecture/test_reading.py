"""What is read is read as a web server does it: in no transaction that a test happens to hold."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from tests.factories.things import addresses, things_of

pytestmark = pytest.mark.django_db(transaction=True)
# Each asks for what those before it were not shown.
ROLES = ("review_lead", "compliance", "finance", "owner", "administrator", "safety")


def test_no_page_or_download_fails(settings: Any) -> None:
    with transaction.atomic():
        things = things_of(settings)
    left, wrong = addresses(), []
    for role in ROLES:
        client = Client(raise_request_exception=False)
        client.force_login(things.here.people.users[role])
        refused = []
        for address in left:
            reply = client.get(path := things.fill(address))
            if reply.streaming:
                b"".join(reply.streaming_content)
            if reply.status_code >= 500:
                wrong.append(f"{path}: {reply.status_code}")
            elif reply.status_code >= 400:
                refused.append(address)
        left = refused
    assert wrong == []
    assert len(left) < len(addresses()) / 2, "Most of it was shown to somebody."
