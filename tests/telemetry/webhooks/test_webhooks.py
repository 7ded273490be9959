"""Events are written with what happened, sent signed, tried again, and given up in the end."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.registry.models import UseCase
from telemetry.alerts.models import Alert
from telemetry.ledger import services as ledger
from telemetry.webhooks import delivering, sending, services
from telemetry.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookTry
from telemetry.webhooks.outbox import announce
from telemetry.webhooks.rules import PAUSES, next_try
from tests.factories.ledger import NOW, make_person, make_use_case
from tests.factories.registry import queries
from tests.factories.webhooks import Receiver, receiver

pytestmark = pytest.mark.django_db
ALL = ["call.decided", "call.held", "call.settled"]


@pytest.fixture
def heard(settings: Any) -> Iterator[Receiver]:
    with receiver() as one:
        settings.PLACET_WEBHOOK_ALLOW = [one.place]
        yield one


@pytest.fixture
def use_case() -> UseCase:
    return make_use_case()


@pytest.fixture
def owner(use_case: UseCase) -> User:
    return make_person("owner", use_case.team)


@pytest.fixture
def made(use_case: UseCase, owner: User, heard: Receiver) -> tuple[WebhookEndpoint, str]:
    return services.create_endpoint(
        actor=Actor.person(owner), use_case=use_case, url=heard.url, events=ALL, now=NOW
    )


def verified(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """As a receiver does it, by the specification and not by our code."""
    signed = b".".join(
        [headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body]
    )
    key = base64.b64decode(secret[len("whsec_") :])
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return f"v1,{expected}" in headers["webhook-signature"].split(" ")


def tell(use_case: UseCase, now: datetime = NOW) -> WebhookDelivery:
    announce(kind="call.held", use_case_id=use_case.pk, data={"call": "c"}, now=now)
    return WebhookDelivery.objects.latest("pk")


def test_a_message_is_signed_as_standard_webhooks_says(
    use_case: UseCase, made: tuple[WebhookEndpoint, str], heard: Receiver
) -> None:
    delivery = tell(use_case)
    assert delivering.deliver(delivery_id=delivery.pk, now=NOW) is None
    [(headers, body)] = heard.got
    assert verified(made[1], headers, body)
    assert not verified(services.new_secret(), headers, body)
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert json.loads(body) == {
        "type": "call.held",
        "timestamp": NOW.isoformat(),
        "data": {"call": "c"},
    }
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries, delivery.next_try_at) == ("delivered", 1, None)
    # The hint may come twice: it was sent once.
    delivering.deliver(delivery_id=delivery.pk, now=NOW + timedelta(hours=1))
    assert len(heard.got) == 1


def test_the_secret_is_sealed_and_in_no_log(made: tuple[WebhookEndpoint, str]) -> None:
    endpoint, secret = made
    kept = WebhookEndpoint.objects.values().get()
    assert secret.encode() not in bytes(kept["secret_sealed"])
    event = AuditEvent.objects.get(action="webhook.created")
    assert secret not in str(event.__dict__)
    assert "/hook" not in str(event.after)


def test_while_a_secret_is_rotated_both_sign(
    use_case: UseCase, made: tuple[WebhookEndpoint, str], heard: Receiver, owner: User
) -> None:
    endpoint, old = made
    _, new = services.rotate_secret(actor=Actor.person(owner), endpoint_id=endpoint.pk, now=NOW)
    for now in (NOW + timedelta(hours=23), NOW + timedelta(hours=25)):
        delivering.deliver(delivery_id=tell(use_case, now).pk, now=now)
    (first, second) = heard.got
    assert verified(new, *first)
    assert verified(old, *first)
    assert verified(new, *second)
    assert not verified(old, *second)


def test_an_event_that_is_rolled_back_was_never_written(
    use_case: UseCase, made: tuple[WebhookEndpoint, str]
) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        tell(use_case)
        raise ZeroDivisionError
    assert not WebhookDelivery.objects.exists()


def test_failures_are_tried_again_ever_later_and_given_up(
    use_case: UseCase, made: tuple[WebhookEndpoint, str], heard: Receiver
) -> None:
    heard.answers = [500]
    delivery, now, waited = tell(use_case), NOW, []
    while (then := delivering.deliver(delivery_id=delivery.pk, now=now)) is not None:
        # Not before its time.
        delivering.deliver(delivery_id=delivery.pk, now=then - timedelta(seconds=1))
        waited.append((then - now).total_seconds())
        now = then
    assert len(waited) == len(PAUSES) == len(heard.got) - 1
    assert all(pause <= one < pause * 1.2 + 11 for pause, one in zip(PAUSES, waited))
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts.count()) == ("failed", 7)
    assert {one.status_code for one in delivery.attempts.all()} == {500}
    assert len({headers["webhook-id"] for headers, _ in heard.got}) == 1


@pytest.mark.parametrize("tries", range(1, len(PAUSES) + 1))
def test_the_pause_is_spread(tries: int) -> None:
    least, most = next_try(tries, NOW, 0), next_try(tries, NOW, 1)
    assert least is not None
    assert most is not None
    assert (most - NOW) == (least - NOW) * 1.2


def test_five_days_of_failure_turn_it_off_with_an_alert(
    use_case: UseCase, made: tuple[WebhookEndpoint, str], heard: Receiver, owner: User
) -> None:
    heard.answers = [500]
    endpoint = made[0]
    delivering.deliver(delivery_id=tell(use_case).pk, now=NOW)
    delivering.deliver(delivery_id=tell(use_case).pk, now=NOW + timedelta(days=4))
    endpoint.refresh_from_db()
    assert endpoint.is_active
    waiting = tell(use_case)
    delivering.deliver(delivery_id=tell(use_case).pk, now=NOW + timedelta(days=6))
    endpoint.refresh_from_db()
    waiting.refresh_from_db()
    assert (endpoint.is_active, waiting.state) == (False, "failed")
    alert = Alert.objects.get(cause=f"webhook:{endpoint.pk}")
    assert (alert.state, alert.team) == ("open", use_case.team)
    asked = len(heard.got)
    announce(kind="call.held", use_case_id=use_case.pk, data={}, now=NOW)
    assert not WebhookDelivery.objects.filter(state="waiting").exists()
    with pytest.raises(WrongState):
        services.send_test(actor=Actor.person(owner), endpoint_id=endpoint.pk, now=NOW)
    services.change_endpoint(
        actor=Actor.person(owner),
        endpoint_id=endpoint.pk,
        url=heard.url,
        events=ALL,
        is_active=True,
        now=NOW + timedelta(days=7),
    )
    heard.answers = [200]
    later = NOW + timedelta(days=7)
    services.send_again(actor=Actor.person(owner), delivery_id=waiting.pk, now=later)
    delivering.deliver(delivery_id=waiting.pk, now=later)
    waiting.refresh_from_db()
    alert.refresh_from_db()
    assert (waiting.state, alert.state, len(heard.got)) == ("delivered", "resolved", asked + 1)


def test_one_success_ends_the_failing(
    use_case: UseCase, made: tuple[WebhookEndpoint, str], heard: Receiver
) -> None:
    heard.answers = [500, 200]
    for _ in range(2):
        delivering.deliver(delivery_id=tell(use_case).pk, now=NOW)
    made[0].refresh_from_db()
    assert made[0].failing_since is None


def test_a_receiver_that_is_gone_is_turned_off_at_once(
    use_case: UseCase, made: tuple[WebhookEndpoint, str], heard: Receiver
) -> None:
    heard.answers = [410]
    delivering.deliver(delivery_id=tell(use_case).pk, now=NOW)
    made[0].refresh_from_db()
    assert not made[0].is_active


def test_redirects_are_not_followed_nor_proxies_used(
    use_case: UseCase,
    made: tuple[WebhookEndpoint, str],
    heard: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    heard.answers = [302]
    delivering.deliver(delivery_id=tell(use_case).pk, now=NOW)
    assert len(heard.got) == 1
    assert WebhookTry.objects.get().status_code == 302


def test_a_receiver_that_never_ends_is_broken_off(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "MOST_SECONDS", 0.2)
    may_end = threading.Event()

    def slow() -> int:
        may_end.wait(30)
        return 200

    with receiver(slow) as one:
        sent = sending.post(one.url, b"{}", {}, [one.place])
        may_end.set()
    assert sent.status is None
    assert sent.fault.startswith("No answer within")


def test_without_the_operators_leave_nothing_is_sent(
    use_case: UseCase, made: tuple[WebhookEndpoint, str], heard: Receiver, settings: Any
) -> None:
    settings.PLACET_WEBHOOK_ALLOW = []
    delivering.deliver(delivery_id=tell(use_case).pk, now=NOW)
    assert heard.got == []
    assert "https" in WebhookTry.objects.get().fault


@pytest.mark.parametrize("url", ["http://example.com/", "https://10.0.0.1/", "https://localhost/"])
def test_private_addresses_are_refused_when_it_is_made(
    use_case: UseCase, owner: User, url: str
) -> None:
    with pytest.raises(Invalid) as refused:
        services.create_endpoint(
            actor=Actor.person(owner), use_case=use_case, url=url, events=ALL, now=NOW
        )
    assert "url" in refused.value.fields


def test_only_who_keeps_keys_keeps_webhooks(use_case: UseCase) -> None:
    stranger = make_person("prompt_engineer", use_case.team)
    with pytest.raises(NotAllowed):
        services.create_endpoint(
            actor=Actor.person(stranger),
            use_case=use_case,
            url="https://example.com/",
            events=ALL,
            now=NOW,
        )


def test_calls_announce_ids_and_states_and_no_text(
    use_case: UseCase, made: tuple[WebhookEndpoint, str]
) -> None:
    system = Actor.system("tests")
    kept = ledger.Body("a secret text", NOW + timedelta(days=1))
    for mode, outcome in (("async", "deliver"), ("sync", "deliver"), ("sync", "hold")):
        call = ledger.admit_call(use_case=use_case, mode=mode, now=NOW, starts=True)
        ledger.settle_call(call=call, outcome=outcome, now=NOW, response=kept)
        ledger.settle_call(call=call, outcome=outcome, now=NOW, response=kept)
    ledger.decide_call(call=call, verdict="released", actor=system, now=NOW)
    sent = list(WebhookDelivery.objects.order_by("pk"))
    states = [(one.kind, one.body["data"]["state"]) for one in sent]
    assert states == [
        ("call.settled", "delivered"),
        ("call.held", "held"),
        ("call.decided", "released"),
    ]
    assert "a secret text" not in str([one.body for one in sent])
    assert sent[2].body["data"]["url"] == f"/api/v1/calls/{call.pk}/"


def test_what_ended_long_ago_is_forgotten(
    use_case: UseCase, made: tuple[WebhookEndpoint, str]
) -> None:
    delivering.deliver(delivery_id=tell(use_case).pk, now=NOW)
    tell(use_case)
    assert delivering.forget_old(now=NOW + timedelta(days=91)) == 1
    assert WebhookDelivery.objects.get().state == "waiting"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_the_pages_make_show_once_and_send_again(
    use_case: UseCase, owner: User, heard: Receiver
) -> None:
    client = signed_in(owner)
    token = "0199e0a0-0000-7000-8000-000000000001"
    form = {"use_case": use_case.slug, "url": "https://10.0.0.1/", "events": ALL}
    wrong = client.post("/webhooks/new/", form | {"form_token": token})
    assert wrong.status_code == 422
    assert "This address is not public." in wrong.content.decode()
    assert "https://10.0.0.1/" in wrong.content.decode()
    sent = form | {"url": heard.url, "form_token": token}
    reply = client.post("/webhooks/new/", sent)
    assert reply.content.decode().count("whsec_") == 1
    assert reply.headers["cache-control"].startswith("max-age=0")
    assert client.post("/webhooks/new/", sent).status_code == 409
    endpoint = WebhookEndpoint.objects.get()
    assert "whsec_" not in client.get(f"/webhooks/{endpoint.pk}/").content.decode()
    assert client.post(f"/webhooks/{endpoint.pk}/test/").status_code == 302
    delivery = WebhookDelivery.objects.get()
    delivering.deliver(delivery_id=delivery.pk, now=delivery.occurred_at)
    assert "<code>204</code>" in client.get(f"/webhooks/{endpoint.pk}/").content.decode()
    assert client.post(f"/webhooks/{endpoint.pk}/again/{delivery.pk}/").status_code == 302
    assert WebhookDelivery.objects.get().state == "waiting"
    stranger = signed_in(make_person("owner", make_use_case().team))
    assert stranger.get(f"/webhooks/{endpoint.pk}/").status_code == 404


def test_the_api_makes_changes_and_rotates(use_case: UseCase, owner: User, heard: Receiver) -> None:
    client = signed_in(owner)
    body = {"use_case": use_case.slug, "url": heard.url, "events": ["call.held"]}
    made = client.post("/api/v1/webhooks/", body, content_type="application/json")
    assert made.status_code == 201
    path = f"/api/v1/webhooks/{made.json()['id']}/"
    assert "secret" not in client.get(path).json()
    fresh = client.post(f"{path}rotate/").json()["secret"]
    assert fresh != made.json()["secret"]
    change = {"url": heard.url, "events": ["call.decided"], "is_active": False}
    changed = client.put(path, change, content_type="application/json").json()
    assert (changed["events"], changed["is_active"]) == (["call.decided"], False)
    assert client.post(f"{path}test/").status_code == 409


def test_lists_ask_the_same_however_long_they_are(
    use_case: UseCase, owner: User, heard: Receiver
) -> None:
    def asked(rows: int) -> list[int]:
        for _ in range(rows):
            endpoint, _ = services.create_endpoint(
                actor=Actor.person(owner), use_case=use_case, url=heard.url, events=ALL, now=NOW
            )
        for _ in range(rows):
            services.send_test(actor=Actor.person(owner), endpoint_id=endpoint.pk, now=NOW)
        pages = ["/webhooks/", f"/webhooks/{endpoint.pk}/"]
        return [queries(lambda page=page: client.get(page)) for page in pages]

    client = signed_in(owner)
    client.get("/webhooks/")
    assert asked(1) == asked(3)
