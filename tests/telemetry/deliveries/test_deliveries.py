"""Documents go to whoever may see them, once an occasion, exactly as they stand on the page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.access.models import Grant, Team, User
from governance.audit.models import AuditEvent
from governance.home.models import Notification
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from telemetry.chargeback import statements
from telemetry.deliveries import delivering, outbox, services
from telemetry.deliveries.models import DeliverySchedule, DocumentDelivery
from telemetry.webhooks import delivering as webhooks
from telemetry.webhooks import services as endpoints
from telemetry.webhooks.models import WebhookDelivery
from telemetry.webhooks.rules import MOST_TRIES, PAUSES
from tests.factories.chargeback import make_budget, make_paid_call
from tests.factories.ledger import make_deployment, make_person, make_team, make_use_case
from tests.factories.mail import PostOffice, post_office
from tests.factories.registry import queries
from tests.factories.webhooks import receiver

pytestmark = pytest.mark.django_db
NOW = timezone.now()
MONTH = (NOW.date().replace(day=1) - timedelta(days=1)).replace(day=1)


@pytest.fixture(autouse=True)
def data(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture
def office(settings: Any) -> Iterator[PostOffice]:
    with post_office() as one:
        settings.PLACET_MAIL_URL = one.url
        yield one


@pytest.fixture
def legal(db: None) -> Team:
    """With a paid call in the month before this one."""
    use_case = make_use_case(make_team("legal"))
    make_budget(use_case.team, starts_on=MONTH)
    at = datetime.combine(MONTH + timedelta(days=4), datetime.min.time(), NOW.tzinfo)
    make_paid_call(use_case, make_deployment(), amount="0.25", now=at)
    return use_case.team


@pytest.fixture
def finance(db: None) -> User:
    return make_person("finance")


def set_up(user: User, team: Team | None, **changes: Any) -> DeliverySchedule:
    facts: dict[str, Any] = {
        "format": "csv",
        "occasion": "monthly",
        "day": 3,
        "time_zone": "UTC",
        "recipient": user.email,
        "endpoint": None,
        "now": NOW,
    }
    return services.create_schedule(actor=Actor.person(user), team=team, **(facts | changes))


def sent_now(user: User, schedule: DeliverySchedule, now: datetime = NOW) -> DocumentDelivery:
    asked = services.send_now(actor=Actor.person(user), schedule_id=schedule.pk, now=now)
    delivering.deliver(delivery_id=asked.pk, now=now)
    asked.refresh_from_db()
    return asked


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def close(team: Team, finance: User, at: datetime) -> None:
    actor = Actor.person(finance)
    begun = statements.begin_closing(actor=actor, team=team, period=MONTH, now=at)
    statements.close_statement(actor=actor, statement_id=begun.pk, now=at)


@pytest.mark.parametrize("format", ["csv", "xlsx", "focus", "pdf"])
def test_a_mail_brings_the_very_bytes_whose_hash_it_names(
    legal: Team, finance: User, office: PostOffice, format: str
) -> None:
    delivery = sent_now(finance, set_up(finance, legal, format=format))
    assert (delivery.state, delivery.fault, delivery.was_attached) == ("sent", "", True)
    [(recipient, mail)] = office.got
    assert recipient == finance.email
    assert mail["subject"] == f"Statement of Legal, {MONTH:%B %Y}"
    assert mail["from"] == "placet@a.example"
    [part] = mail.iter_attachments()
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert hashlib.sha256(content).hexdigest() == delivery.sha256
    assert len(content) == delivery.size
    assert part.get_filename() == delivery.file_name
    body = mail.get_body()
    assert body is not None
    assert delivery.sha256 in body.get_content()
    if format == "csv":
        page = signed_in(finance).get(f"/chargeback/legal/{MONTH:%Y-%m}/download/?as=csv")
        assert b"".join(page.streaming_content) == content  # type: ignore[attr-defined]  # it streams


def test_a_large_file_is_a_link_that_asks_for_a_sign_in(
    legal: Team, finance: User, office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "ATTACHED_UP_TO", 10)
    delivery = sent_now(finance, set_up(finance, legal))
    [(_, mail)] = office.got
    assert list(mail.iter_attachments()) == []
    body = mail.get_body()
    link = f"/deliveries/files/{delivery.pk}/"
    assert body is not None and link in body.get_content()
    assert Client().get(link).status_code == 302
    assert signed_in(make_person("owner", make_team("support"))).get(link).status_code == 404
    content = b"".join(signed_in(finance).get(link).streaming_content)  # type: ignore[attr-defined]  # it streams
    assert hashlib.sha256(content).hexdigest() == delivery.sha256


def test_who_lost_the_right_gets_nothing_and_the_owner_hears_why(
    legal: Team, finance: User, office: PostOffice
) -> None:
    reader = make_person("owner", legal)
    schedule = set_up(finance, legal, recipient=reader.email)
    Grant.objects.filter(user=reader).update(revoked_at=timezone.now())
    delivery = sent_now(finance, schedule)
    assert office.got == []
    assert (delivery.state, delivery.has_file) == ("failed", False)
    assert delivery.fault == "The recipient may not see this document any more."
    assert delivery.fault in Notification.objects.get(user=finance).title


def test_a_server_that_is_away_is_asked_again_and_given_up_in_the_end(
    legal: Team, finance: User, settings: Any
) -> None:
    with post_office("450 later", "250 OK") as office:
        settings.PLACET_MAIL_URL = office.url
        schedule = set_up(finance, legal)
        delivery = sent_now(finance, schedule)
        assert (delivery.state, delivery.tries) == ("waiting", 1)
        assert delivery.fault == "The mail server refused the recipient's address."
        assert delivery.next_try_at is not None
        assert delivery.next_try_at >= NOW + timedelta(seconds=PAUSES[0])
        # Not before its time, and once only.
        delivering.deliver(delivery_id=delivery.pk, now=NOW)
        for _ in range(2):
            delivering.deliver(delivery_id=delivery.pk, now=delivery.next_try_at)
        delivery.refresh_from_db()
        assert (delivery.state, delivery.tries, len(office.got)) == ("sent", 2, 1)
    # Nobody listens there any more.
    later = NOW + timedelta(days=1)
    delivery = sent_now(finance, schedule, later)
    for _ in range(MOST_TRIES - 1):
        assert delivery.next_try_at is not None
        delivering.deliver(delivery_id=delivery.pk, now=delivery.next_try_at)
        delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == ("failed", MOST_TRIES)
    assert delivery.fault.startswith("The mail server was not reached")
    with post_office() as office:
        settings.PLACET_MAIL_URL = office.url
        services.send_again(actor=Actor.person(finance), delivery_id=delivery.pk, now=later)
        delivering.deliver(delivery_id=delivery.pk, now=later)
        delivery.refresh_from_db()
        assert (delivery.state, delivery.fault, len(office.got)) == ("sent", "", 1)


def test_a_webhook_gets_a_link_with_its_hash_and_no_content(legal: Team, settings: Any) -> None:
    owner = make_person("owner", legal)
    with receiver() as heard:
        settings.PLACET_WEBHOOK_ALLOW = [heard.place]
        endpoint, _ = endpoints.create_endpoint(
            actor=Actor.person(owner),
            use_case=make_use_case(legal),
            url=heard.url,
            events=["call.held"],
            now=NOW,
        )
        schedule = set_up(owner, legal, recipient="", endpoint=endpoint.pk)
        delivery = sent_now(owner, schedule)
        assert delivery.state == "waiting"
        message = WebhookDelivery.objects.get()
        webhooks.deliver(delivery_id=message.pk, now=NOW)
        delivering.follow(now=NOW)
        [(_, body)] = heard.got
    data = json.loads(body)["data"]
    delivery.refresh_from_db()
    assert delivery.state == "sent"
    assert (data["sha256"], data["size"]) == (delivery.sha256, delivery.size)
    assert data["url"] == f"/api/v1/deliveries/files/{delivery.pk}/"
    assert set(data) == {
        *("delivery", "document", "team", "month", "format", "name", "size", "sha256", "url")
    }
    content = b"".join(signed_in(owner).get(data["url"]).streaming_content)  # type: ignore[attr-defined]  # it streams
    assert hashlib.sha256(content).hexdigest() == data["sha256"]
    # Whoever set it up may not keep webhooks any more: nothing is told.
    Grant.objects.filter(user=owner).update(role="prompt_engineer")
    asked = outbox.order(schedule, "x", MONTH, NOW)
    assert asked is not None
    delivering.deliver(delivery_id=asked.pk, now=NOW)
    asked.refresh_from_db()
    assert asked.state == "failed"
    assert WebhookDelivery.objects.count() == 1


def test_a_closed_month_is_sent_once_for_each_seal(
    legal: Team, finance: User, office: PostOffice
) -> None:
    set_up(finance, legal, occasion="close", day=None, format="pdf")
    organisation = set_up(finance, None, occasion="close", day=None, format="focus")
    other = make_use_case(make_team("support"))
    make_budget(other.team, starts_on=MONTH)
    at = datetime.combine(MONTH + timedelta(days=9), datetime.min.time(), NOW.tzinfo)
    make_paid_call(other, make_deployment(), now=at)
    later = NOW + timedelta(minutes=1)
    assert outbox.order_due(now=later) == 0
    close(legal, finance, later)
    assert outbox.order_due(now=later) == 1  # of the organisation a month is open yet
    assert outbox.order_due(now=later) == 0
    close(other.team, finance, later)
    assert outbox.order_due(now=later) == 1
    assert organisation.deliveries.get().period == MONTH
    # Who turns it on later gets what is closed from then on.
    set_up(finance, legal, occasion="close", day=None, now=later)
    assert outbox.order_due(now=later + timedelta(minutes=1)) == 0


def test_a_day_that_nobody_was_there_for_is_made_up_once(
    legal: Team, finance: User, office: PostOffice
) -> None:
    schedule = set_up(finance, legal, occasion="weekly", day=1)
    assert schedule.next_at is not None
    late = schedule.next_at + timedelta(days=15)
    assert outbox.order_due(now=schedule.next_at - timedelta(seconds=1)) == 0
    assert outbox.order_due(now=late) == 1
    assert outbox.order_due(now=late) == 0
    schedule.refresh_from_db()
    assert schedule.next_at is not None and schedule.next_at > late
    services.turn(actor=Actor.person(finance), schedule_id=schedule.pk, on=False, now=late)
    assert outbox.order_due(now=late + timedelta(days=30)) == 0
    with pytest.raises(WrongState):
        services.send_now(actor=Actor.person(finance), schedule_id=schedule.pk, now=late)


def test_who_may_set_up_what(legal: Team, finance: User, office: PostOffice) -> None:
    owner, engineer = make_person("owner", legal), make_person("prompt_engineer", legal)
    stranger = make_person("owner", make_team("support"))
    set_up(owner, legal)
    with pytest.raises(NotAllowed):
        set_up(stranger, legal)
    with pytest.raises(NotAllowed):
        set_up(owner, None)
    with pytest.raises(Invalid, match="only finance"):
        set_up(owner, legal, recipient=engineer.email)
    with pytest.raises(Invalid, match="Nobody with this e-mail"):
        set_up(finance, legal, recipient=stranger.email)
    schedule = set_up(finance, legal, recipient=engineer.email.upper())
    assert schedule.recipient == engineer
    for person in (owner, engineer):
        with pytest.raises(NotAllowed):
            services.turn(actor=Actor.person(person), schedule_id=schedule.pk, on=False, now=NOW)
    event = AuditEvent.objects.filter(action="delivery.scheduled").latest("pk")
    assert engineer.email not in json.dumps(event.after)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"format": "docx"}, "format"),
        ({"day": None}, "day"),
        ({"day": 29}, "day"),
        ({"occasion": "weekly", "day": 8}, "day"),
        ({"occasion": "daily"}, "occasion"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"recipient": ""}, "recipient"),
        ({"endpoint": 99}, "recipient"),
        ({"recipient": "", "endpoint": 99}, "endpoint"),
    ],
)
def test_what_does_not_fit_is_said_beside_its_field(
    legal: Team, finance: User, office: PostOffice, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        set_up(finance, legal, **changes)
    assert field in refused.value.fields
    assert not DeliverySchedule.objects.exists()


def test_the_organisations_usage_is_no_pdf(finance: User, office: PostOffice) -> None:
    with pytest.raises(Invalid, match="csv, xlsx, focus"):
        set_up(finance, None, format="pdf")


def test_without_a_mail_server_the_pages_say_so(legal: Team, finance: User) -> None:
    client = signed_in(finance)
    for path in ("/deliveries/", "/deliveries/new/"):
        assert "Mail is not set up here" in client.get(path).text
    with pytest.raises(Invalid, match="PLACET_MAIL_URL"):
        set_up(finance, legal)


def test_the_pages_from_setting_up_to_sending_again(
    legal: Team, finance: User, office: PostOffice
) -> None:
    client = signed_in(finance)
    form = client.get("/deliveries/new/?team=legal").context["form"]
    sent = {
        "team": "legal",
        "format": "pdf",
        "occasion": "monthly",
        "day": "",
        "time_zone": "Europe/Amsterdam",
        "recipient": finance.email,
        "endpoint": "",
        "form_token": str(form.fields["form_token"].initial()),
    }
    refused = client.post("/deliveries/new/", sent)
    assert refused.status_code == 422
    assert "Give a day from 1 to 28." in refused.text
    assert finance.email in refused.text
    made = client.post("/deliveries/new/", sent | {"day": "2"}, follow=True)
    [schedule] = DeliverySchedule.objects.all()
    assert "Every month on day 2 at 6:00 in Europe/Amsterdam" in made.text
    assert client.post("/deliveries/new/", sent | {"day": "2"}).status_code == 409
    page = f"/deliveries/{schedule.pk}/"
    client.post(f"{page}now/")
    [delivery] = schedule.deliveries.all()
    assert delivery.next_try_at is not None
    delivering.deliver(delivery_id=delivery.pk, now=delivery.next_try_at)
    shown = client.get(page).text
    assert f"/deliveries/files/{delivery.pk}/" in shown
    assert "Send again" in shown
    client.post(f"{page}again/{delivery.pk}/")
    delivering.deliver(delivery_id=delivery.pk, now=timezone.now())
    assert len(office.got) == 2
    assert "Turned off" in client.post(f"{page}turn/", {"on": "0"}, follow=True).text


def test_files_go_after_three_months_and_the_history_stays(
    legal: Team, finance: User, office: PostOffice, data: Path
) -> None:
    delivery = sent_now(finance, set_up(finance, legal))
    assert delivering.forget_files(now=NOW + timedelta(days=89)) == 0
    assert delivering.forget_files(now=NOW + timedelta(days=91)) == 1
    assert list((data / "deliveries").iterdir()) == []
    client = signed_in(finance)
    assert client.get(f"/deliveries/files/{delivery.pk}/").status_code == 409
    assert "kept no longer" in client.get(f"/deliveries/{delivery.schedule_id}/").text
    with pytest.raises(WrongState, match="no longer kept"):
        services.send_again(actor=Actor.person(finance), delivery_id=delivery.pk, now=NOW)


def test_the_api_says_the_same(legal: Team, finance: User, office: PostOffice) -> None:
    client = signed_in(finance)
    asked = {"team": "legal", "format": "csv", "occasion": "close", "recipient": finance.email}
    made = client.post("/api/v1/deliveries/", asked, content_type="application/json")
    assert made.status_code == 201, made.content
    pk = made.json()["id"]
    again = client.post(f"/api/v1/deliveries/{pk}/now/")
    assert again.status_code == 202
    delivery = DocumentDelivery.objects.get()
    assert delivery.next_try_at is not None
    delivering.deliver(delivery_id=delivery.pk, now=delivery.next_try_at)
    [told] = client.get(f"/api/v1/deliveries/{pk}/history/").json()["results"]
    assert (told["state"], told["period"]) == ("sent", f"{MONTH}")
    off = client.patch(
        f"/api/v1/deliveries/{pk}/", {"is_active": False}, content_type="application/json"
    )
    assert off.json()["is_active"] is False
    wrong = client.post(
        "/api/v1/deliveries/", asked | {"team": "nobody"}, content_type="application/json"
    )
    assert wrong.status_code == 400
    assert "no such team" in wrong.text


def test_lists_ask_as_often_for_many_as_for_one(
    legal: Team, finance: User, office: PostOffice
) -> None:
    client = signed_in(finance)
    schedule = set_up(finance, legal)
    outbox.order(schedule, "a", MONTH, NOW)
    pages = ["/deliveries/", f"/deliveries/{schedule.pk}/", "/api/v1/deliveries/"]
    before = [queries(lambda path=path: client.get(path)) for path in pages]
    for number in range(3):
        set_up(finance, legal, day=number + 4)
        outbox.order(schedule, f"b{number}", MONTH, NOW)
    assert [queries(lambda path=path: client.get(path)) for path in pages] == before
