"""What the demo shows of contracts and deliveries: signed, told where it counts, and sent nowhere."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client
from django.utils import timezone

from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, WrongState
from governance.model_cards.models import Commitment, Deployment
from prompts.gateway.demo import month
from prompts.gateway.demo.organisation import sign
from telemetry.chargeback.list_prices import priced_lines
from telemetry.deliveries import services
from telemetry.deliveries.models import DeliverySchedule, DocumentDelivery
from telemetry.deliveries.outbox import order_due
from tests.factories.ledger import make_settled
from tests.factories.organisation import world

pytestmark = pytest.mark.django_db


def test_the_contract_has_tiers_and_a_promise_that_the_pages_show() -> None:
    here, now = world(), timezone.now()
    local = Deployment.objects.get(slug="smollm2-local")
    month.agree(here.people, local, now, sign)
    promised = Commitment.objects.get()
    assert (promised.deployment, promised.amount) == (local, Decimal(month.PROMISED))
    assert promised.change.state == "applied" and promised.ends_on > now.date()
    make_settled(here.use_case, deployment=local, amount="0.0001", now=now)
    [line] = priced_lines(here.use_case.team, now.date().replace(day=1))
    assert len([one for one in line.because if "3,000 tokens a month" in one]) == len(month.TIERS)
    client = Client()
    client.force_login(here.people.users["finance"])
    page = client.get("/chargeback/commitments/").text
    assert local.name in page


def test_the_standing_order_is_there_and_nothing_is_ever_sent() -> None:
    here, now = world(), timezone.now()
    assert settings.PLACET_MAIL_URL == ""
    month.order_statement(here.people, now)
    order = DeliverySchedule.objects.get()
    assert (order.is_active, order.next_at) == (False, None)
    assert order.recipient == here.people.users["finance"]
    assert order_due(now=now) == 0
    finance = here.people.actor("finance")
    with pytest.raises(WrongState, match="Mail is not set up here"):
        services.turn(actor=finance, schedule_id=order.pk, on=True, now=now)
    with pytest.raises(WrongState, match="turned off"):
        services.send_now(actor=finance, schedule_id=order.pk, now=now)
    assert not DocumentDelivery.objects.exists() and mail.outbox == []
    client = Client()
    client.force_login(here.people.users["finance"])
    page = client.get("/deliveries/").text
    assert "Statement of Engineering" in page and "off" in page


def test_an_order_that_is_turned_on_needs_mail() -> None:
    here, now = world(), timezone.now()
    with pytest.raises(Invalid) as refused:
        services.create_schedule(
            actor=Actor.person(here.people.users["finance"]),
            team=here.people.teams["engineering"],
            format="pdf",
            occasion="close",
            day=None,
            time_zone="UTC",
            recipient=here.people.users["finance"].email,
            endpoint=None,
            now=now,
        )
    assert refused.value.fields == {"recipient": [services.NO_MAIL]}
