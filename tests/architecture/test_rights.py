"""Who has no right to a record meets neither it, nor its name, nor its number, anywhere.

A stranger of another team opens every address without a parameter, with and without words to
search for; then the other team gets more of everything, and nothing that the stranger sees has
changed. New pages are in this without a line here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.access import services as access
from governance.access.models import ApiKey, User
from governance.approvals.models import ChangeRequest
from governance.home.models import Notification
from governance.incidents import services as incidents
from governance.incidents.models import Incident, Playbook
from governance.kernel.authority import Actor
from governance.registry import services as registry
from governance.registry.models import UseCase
from prompts.catalogue.models import Prompt
from telemetry.alerts.models import Alert
from telemetry.alerts.services import raise_alert
from tests.factories.organisation import World
from tests.factories.things import Things, addresses

pytestmark = pytest.mark.django_db

WORD = "Quagga"
# What belongs to everybody by design: the coverage of frameworks, and the register of datasets.
# Metrics are for whoever scrapes this machine, and kept for some seconds.
OF_EVERYBODY = (
    *("/compliance/", "/api/v1/frameworks/", "/datasets/", "/api/v1/datasets/"),
    "/metrics",
)
MOVING = re.compile(
    r'name="csrfmiddlewaretoken" value="[^"]*"|"id_form_token"|value="[0-9a-f-]{36}"|<time.*?</time>'
)


def rename_everything() -> None:
    """Every name of the legal team's things holds one word that nothing else has."""
    UseCase.objects.update(title=f"{WORD} use case")
    Prompt.objects.update(name=f"{WORD} prompt")
    ApiKey.objects.update(name=f"{WORD} key")
    others = ChangeRequest.objects.exclude(team__slug="support")
    others.update(title=f"{WORD} change", subject_label=f"{WORD} subject")
    Incident.objects.update(title=f"{WORD} incident")
    Alert.objects.update(title=f"{WORD} alert")


def stranger(here: World, role: str) -> User:
    """Somebody of the support team alone, with that role there, or with none at all."""
    system, now = Actor.system("tests"), timezone.now()
    email = f"{role or 'nobody'}.elsewhere@placet.example"
    user = access.create_user(actor=system, email=email, name="Else", now=now)
    if role:
        team = here.people.teams["support"]
        access.grant_role(actor=system, user=user, role=role, scope=team, now=now)
    user.forget_reaches()
    return user


def paths() -> Iterator[str]:
    for address in addresses():
        path = f"/{address.path}"
        if "<" not in path and not path.startswith(OF_EVERYBODY) and "schema" not in path:
            yield path


def seen(client: Client) -> dict[str, str]:
    """What the person gets, without what is another at every request."""
    found = {}
    for path in paths():
        reply = client.get(f"{path}?q={WORD}&show=all&state=all")
        if reply.status_code == 200 and not reply.streaming:
            found[path] = MOVING.sub("", reply.content.decode())
    return found


def add_more(here: World) -> None:
    """More of everything for the legal team, through the services where they tell people."""
    now, people = timezone.now(), here.people
    legal, owner = people.teams["legal"], people.actor("owner")
    for number in range(3):
        made = registry.start_use_case(
            actor=owner, title=f"{WORD} more {number}", team=legal, now=now
        )
        Prompt.objects.create(
            name=f"{WORD} {number}", slug=f"more-{number}", use_case=made, created_at=now
        )
        raise_alert(cause=f"more-{number}", title=WORD, severity="warning", now=now, team=legal)
        incidents.declare(
            actor=people.actor("safety"),
            playbook=Playbook.objects.all()[0],
            title=f"{WORD} again",
            description="Seen.",
            severity="low",
            use_case=made,
            now=now,
        )
    for change in ChangeRequest.objects.filter(team=legal)[:3]:
        change.pk, change.subject_id, change.state = None, 10**9 + change.subject_id, "applied"
        change.save(force_insert=True)


@pytest.mark.parametrize("role", ["owner", ""])
def test_a_stranger_meets_no_name_and_no_number(role: str, things: Things) -> None:
    rename_everything()
    user, client = stranger(things.here, role), Client()
    client.force_login(user)
    before = seen(client)
    # The word that was searched for stands in the search field itself.
    asked = re.compile(rf'value="{WORD}"|q={WORD}|search={WORD}|“{WORD}”')
    named = [path for path, text in before.items() if WORD in asked.sub("", text)]
    assert named == []
    add_more(things.here)
    after = seen(client)
    assert [path for path in before if before[path] != after[path]] == []
    assert not Notification.objects.filter(user=user).exists()


def test_the_owner_does_see_them(things: Things) -> None:
    """So that the test above cannot pass by looking at nothing."""
    rename_everything()
    client = Client()
    owner: Any = things.here.people.users["owner"]
    owner.forget_reaches()
    client.force_login(owner)
    before = seen(client)
    add_more(things.here)
    changed = {path for path, text in seen(client).items() if before.get(path) != text}
    lists = {"/use-cases/", "/prompts/", "/incidents/", "/api/v1/use-cases/", "/api/v1/prompts/"}
    assert lists | {"/audit/"} <= changed
    named = {path for path, text in before.items() if WORD in text}
    assert lists <= named
