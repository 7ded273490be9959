"""A released prompt whose answers another model judges, decided on like every release."""

from __future__ import annotations

import json
from typing import Any

from governance.model_cards.models import Deployment, Price
from prompts.catalogue.models import PromptVersion
from prompts.gateway.demo import organisation as demo
from prompts.releases import services as releases
from prompts.releases.models import Release
from tests.factories.clients import with_clerk
from tests.factories.organisation import World

INSTRUCTION = "Fail whatever promises money back."


def judged_world(url: str, contract: dict[str, Any] | None = None, **checks: Any) -> World:
    """`licence-review/clerk` under a second opinion of a deployment of its own at that address."""
    here = with_clerk(contract or {"type": "text"})
    judge = second_deployment(url)
    asked = {"judge": judge.pk, "judge_instruction": INSTRUCTION} | checks
    release_with(here, {name: one for name, one in asked.items() if one is not None})
    return here


def second_deployment(url: str) -> Deployment:
    first = Deployment.objects.get(hosting="embedded")
    prices = list(first.prices.all())
    other = Deployment.objects.get(pk=first.pk)
    other.pk, other.slug, other.name, other.endpoint = None, "judge", "Judge", url
    other.save(force_insert=True)
    for one in prices:
        one.pk, one.deployment = None, other
        Price.objects.bulk_create([one])
    return other


def release_with(here: World, checks: dict[str, Any]) -> Release:
    """The newest version of the clerk once more, with these checks."""
    version = PromptVersion.objects.filter(prompt__slug="clerk").latest("number")
    change = releases.propose_release(
        actor=here.people.actor("owner"),
        version=version,
        deployments=[Deployment.objects.get(slug="smollm2-local")],
        environment="production",
        reason="Answers are judged from now on.",
        checks=checks,
        now=here.now,
    )
    demo.sign(here.people, change, here.now)
    return Release.objects.get(prompt__slug="clerk", ended_at=None)


def says(verdict: str, reason: str = "It promises nothing.", confidence: Any = None) -> str:
    return json.dumps({"verdict": verdict, "reason": reason, "confidence": confidence})
