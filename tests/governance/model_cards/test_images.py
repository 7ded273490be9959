"""Whether a deployment takes images is decided on like where it runs."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from governance.approvals.models import ChangeRequest
from governance.kernel.errors import WrongState
from governance.model_cards import services
from governance.model_cards.models import Deployment
from governance.model_cards.subjects import DeploymentSubject
from prompts.gateway.demo.organisation import sign
from tests.factories.organisation import World, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def here() -> World:
    return world()


def test_images_are_taken_once_that_is_approved(here: World, client: Client) -> None:
    local, now = Deployment.objects.get(hosting="embedded"), timezone.now()
    # What was approved before there were images is still what it is.
    assert "takes_images" not in DeploymentSubject().snapshot(local, {})
    author = here.people.actor("ml_engineer")
    with pytest.raises(WrongState, match="Propose the change"):
        services.change_deployment(actor=author, deployment_id=local.pk, now=now, takes_images=True)
    client.force_login(here.people.users["ml_engineer"])
    asked = {"reason": "Scanned letters.", "changes": {"takes_images": True}}
    url = f"/api/v1/deployments/{local.slug}/propose/"
    assert client.post(url, asked, "application/json").status_code == 201
    change = ChangeRequest.objects.get(kind="deployment", subject_id=local.pk, state="open")
    assert change.snapshot["takes_images"] is True and "takes_images" not in change.base
    sign(here.people, change, now)
    local.refresh_from_db()
    assert local.takes_images and local.state == "callable"
    page = client.get(f"/models/deployments/{local.slug}/").content.decode()
    assert "<dd>taken</dd>" in page
