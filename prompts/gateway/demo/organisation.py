"""Put the organisation together, step by step, each through its service."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from governance.access import services as access
from governance.access.keys import create_api_key
from governance.approvals import services as approvals
from governance.approvals.models import ChangeRequest
from governance.kernel.authority import Actor
from governance.model_cards import services as models
from governance.model_cards.models import Deployment
from governance.policy.rule_sets import install_starting_rule_sets
from governance.registry import assessments, datasets, metrics
from governance.registry import services as registry
from governance.registry.models import UseCase
from governance.registry.scoring_models import install_starting_scoring_model
from prompts.catalogue import services as catalogue
from prompts.catalogue.models import PromptVersion
from prompts.gateway.demo import (
    boardroom,
    checklist,
    content,
    governing,
    monitors,
    month,
    notices,
    past,
    scoring,
    together,
)
from prompts.gateway.demo.people import People, make
from prompts.releases import services as releases
from reviews.calendars.services import (
    CalendarFacts,
    PolicyFacts,
    create_calendar,
    create_policy,
)
from reviews.queues.models import SlaPolicy
from reviews.queues.upkeep import create_queue

HISTORY_STARTS = date(2026, 1, 1)
SIGNATORIES = ("board", "compliance", "safety", "data_steward", "ml_engineer", "finance")


def build(now: datetime, say: Callable[[str], None]) -> None:
    """The whole organisation in one transaction, and $DATA_DIR/demo.json after it."""
    with transaction.atomic():
        say("people, teams and roles")
        people = make(now)
        approvals.install_starting_policies(actor=Actor.system("demo"), now=now)
        install_starting_scoring_model(actor=Actor.system("demo"), now=now)
        install_starting_rule_sets(actor=Actor.system("demo"), now=now)
        say("model cards, deployments and prices")
        local, hosted = _models(people, now)
        say("use cases")
        licence = _licence_review(people, now)
        code = _history_use_case(people, "code-assistant", "engineering", now)
        support = _history_use_case(people, "support-replies", "support", now)
        scoring.score_together(people, licence, support, now)
        say("the review queue")
        _queue(people, [licence, code, support], now)
        say("prompt and release")
        _prompt(people, licence, local, now)
        say("budgets")
        month.limit(people, licence, now, sign)
        together.bundle_limits(people, now)
        say("usage history from the real trace")
        past.replay(people, code, hosted, now, 34)
        past.replay(people, support, hosted, now, 55)
        say("worth and mitigations")
        notices.value(people, licence, code, now)
        notices.guard(people, support, now)
        say("shared cost, a contract and a delivery")
        month.share_cost(people, now, sign)
        month.agree(people, local, now, sign)
        month.order_statement(people, now)
        say("drift monitors")
        monitors.watch(people.actor("safety"), code, licence, now)
        monitors.promise(people.actor("owner"), licence, now)
        past.happen(people, licence, now)
        # After the incident: opened before it, the request would go stale at once.
        second_release(people, licence, local, now)
        say("trainings, a vendor and a policy")
        governing.govern(people, now, sign)
        boardroom.talk(people, now)
        key = _key(people, licence, now)
    _write_sign_ins(people, {licence.slug: key})


def sign(people: People, change: ChangeRequest, now: datetime) -> None:
    """Everybody who has an open slot approves, until the change is applied."""
    for role in SIGNATORIES:
        change.refresh_from_db()
        if change.state != "open":
            return
        user = people.users[role]
        if change.slots.filter(filled_by=None, eligible=user).exists():
            approvals.decide(
                actor=people.actor(role),
                change_id=change.pk,
                outcome="approve",
                rationale="Evidence read; fits the demo organisation's policy.",
                digest_seen=change.digest,
                now=now,
            )


def _models(people: People, now: datetime) -> tuple[Deployment, Deployment]:
    author = people.actor("ml_engineer")
    card = models.create_card(actor=author, slug="smollm2-135m", now=now, **content.CARD)
    reason = "A small local model with an open licence."
    sign(people, models.propose_card(actor=author, card=card, reason=reason, now=now), now)
    card.refresh_from_db()
    local = models.create_deployment(
        actor=author,
        name="SmolLM2 on this machine",
        slug="smollm2-local",
        card=card,
        litellm_model="openai/smollm2",
        hosting="embedded",
        region="this machine",
        sensitivity_ceiling="regulated",
        timeout_seconds=120,
        concurrency_limit=8,
        context_tokens=8192,
        now=now,
    )
    for kind, amount in (("input", "0.20"), ("output", "0.60")):
        models.set_price(
            actor=people.actor("finance"),
            deployment=local,
            kind=kind,
            amount=Decimal(amount),
            starts_on=HISTORY_STARTS,
            source="0.05 USD an hour of this machine, at its speed",
            now=now,
        )
    reason = "Runs here; nothing leaves the machine."
    sign(
        people,
        models.propose_deployment(actor=author, deployment=local, reason=reason, now=now),
        now,
    )
    vendor = models.create_card(actor=author, slug="gpt-4o-mini", now=now, **content.HOSTED_CARD)
    hosted = models.create_deployment(
        actor=author,
        name="GPT-4o mini (history)",
        slug="gpt-4o-mini-history",
        card=vendor,
        litellm_model="gpt-4o-mini",
        hosting="hosted",
        region="not called",
        sensitivity_ceiling="internal",
        replay_only=True,
        now=now,
    )
    models.import_litellm_prices(
        actor=author, deployment=hosted, model="gpt-4o-mini", starts_on=HISTORY_STARTS, now=now
    )
    return local, hosted


def _licence_review(people: People, now: datetime) -> UseCase:
    owner = people.actor("owner")
    use_case = registry.start_use_case(
        actor=owner,
        title="Third-party licence review",
        slug="licence-review",
        team=people.teams["legal"],
        now=now,
        feature="Names the SPDX licence of a third-party licence text, says whether it is "
        "copyleft and lists its obligations.",
        outcome="Legal clears a new dependency in minutes instead of a day.",
        benefit="Licence texts vary in wording; a model reads what a list cannot match.",
        stakeholders="Legal, engineering",
        sensitivity="internal",
        oversight="all",
        disclosure_text="A language model drafted this; a person of the legal team checked it.",
        fallback_text="The legal team reads the licence by hand within two working days.",
    )
    _intake(people, use_case, now, harm=True)
    dataset = "Licence files of installed Python distributions"
    datasets.register_dataset(
        actor=people.actor("data_steward"),
        name=dataset,
        source="The product's own environment",
        sensitivity="internal",
        provenance="Shipped by each distribution's authors; read from its metadata folder.",
        lawful_basis="No personal data beyond authors' published names",
        licence="each its own",
        use_cases=(use_case,),
        now=now,
    )
    metric = metrics.add_metric(
        actor=owner,
        use_case=use_case,
        name="Minutes to clear a dependency",
        unit="minutes",
        baseline=Decimal(480),
        target=Decimal(30),
        now=now,
    )
    checklist.complete(people, use_case, now)
    checklist.waive(people, use_case, now)
    for target in ("assessed", "approved", "pilot"):
        _advance(people, use_case, target, now)
    sign(people, notices.propose_notice(people, use_case, now), now)
    value, source = Decimal(55), "timed by hand in the first week"
    metrics.measure(actor=owner, metric=metric, value=value, on=now.date(), source=source, now=now)
    return use_case


# Impact (value, reach, quality, strategy) and effort (build, data, change, assurance).
SCORES = {
    "licence-review": ((4, 3, 4, 3), (2, 1, 3, 3)),
    "code-assistant": ((4, 5, 4, 3), (2, 4, 3, 3)),
    "support-replies": ((3, 4, 3, 2), (3, 4, 4, 4)),
}


def _intake(people: People, use_case: UseCase, now: datetime, *, harm: bool) -> None:
    owner, (impact, effort) = people.actor("owner"), SCORES[use_case.slug]
    answers = {"language": True, "sensitive": False, "real_time": False, "grounding": False}
    registry.save_step(
        actor=owner,
        use_case=use_case,
        version=use_case.version,
        framework_answers=answers | {"heavy_compute": False},
        pattern="extraction",
        serving="asynchronous",
        now=now,
    )
    assessments.record_score(
        actor=owner,
        use_case=use_case,
        impact=dict(zip(("value", "reach", "quality", "strategy"), impact, strict=True)),
        effort=dict(zip(("build", "data", "change", "assurance"), effort, strict=True)),
        rationales=content.RATIONALES,
        rationale="Scored with the team; the texts are at hand.",
        now=now,
    )
    # Its replies reach customers unread: high.
    given = {"harm": harm, "decides": use_case.slug == "support-replies"}
    assessments.assess_risk(actor=people.actor("safety"), use_case=use_case, answers=given, now=now)
    use_case.refresh_from_db()


def _advance(people: People, use_case: UseCase, target: str, now: datetime) -> None:
    change = registry.propose_stage(
        actor=people.actor("owner"),
        use_case=use_case,
        target=target,
        reason=f"Everything that {target} needs is there.",
        pilot_days=30 if target == "pilot" else None,
        pilot_success="A dependency is cleared in half an hour." if target == "pilot" else "",
        now=now,
    )
    sign(people, change, now)
    use_case.refresh_from_db()


def _history_use_case(people: People, slug: str, team: str, now: datetime) -> UseCase:
    titles = {"code-assistant": "Code assistant", "support-replies": "Support replies"}
    use_case = registry.start_use_case(
        actor=people.actor("owner"),
        title=titles[slug],
        slug=slug,
        team=people.teams[team],
        feature="Its usage here is history replayed from a public trace of real calls.",
        outcome="Known cost per team before the gateway takes over.",
        sensitivity="internal",
        oversight="sampled",
        now=now,
    )
    _intake(people, use_case, now, harm=slug == "support-replies")
    _advance(people, use_case, "assessed", now)
    return use_case


def _demo_sla(now: datetime) -> SlaPolicy:
    system = Actor.system("demo")
    calendar = CalendarFacts(
        name="Day and night, Amsterdam",
        time_zone="Europe/Amsterdam",
        hours={str(weekday): [["00:00", "00:00"]] for weekday in range(7)},
    )
    promised = PolicyFacts(
        name="Within the hour",
        calendar=create_calendar(actor=system, facts=calendar, now=now),
        first_touch_minutes=30,
        decision_minutes=60,
        warn_share=5,
        steps=[{"share": 75, "act": "notify"}],
    )
    return create_policy(actor=system, facts=promised, now=now)


def _queue(people: People, use_cases: list[UseCase], now: datetime) -> None:
    queue = create_queue(
        actor=Actor.system("demo"),
        name="Licence answers",
        slug="licence-answers",
        guideline=content.GUIDELINE,
        labels=content.LABELS,
        rationale_templates=content.REASONS,
        use_cases=use_cases,
        is_default=True,
        # An hour, day and night, with an early warning: what waits here is soon near its time.
        sla=_demo_sla(now),
        now=now,
    )
    for role in ("reviewer", "review_lead"):
        access.grant_role(
            actor=Actor.system("demo"), user=people.users[role], role=role, scope=queue, now=now
        )


def _prompt(people: People, use_case: UseCase, local: Deployment, now: datetime) -> None:
    author = people.actor("prompt_engineer")
    prompt = catalogue.create_prompt(
        actor=author,
        name="Licence reader",
        slug="licence-reader",
        use_case=use_case,
        purpose="Turns a licence text into a checked JSON answer.",
        style="structured",
        now=now,
    )
    first = catalogue.create_version(actor=author, prompt=prompt, now=now, **content.PROMPT)
    change = _propose(people, first, local, "First release for the pilot.", now)
    sign(people, change, now)


def second_release(people: People, use_case: UseCase, local: Deployment, now: datetime) -> None:
    """The request that waits for the board: the next version of the prompt."""
    author, prompt = people.actor("prompt_engineer"), use_case.prompts.get()
    messages: list[dict[str, str]] = [dict(one) for one in content.PROMPT["messages"]]
    messages[0]["content"] = content.SECOND_SYSTEM
    changed: dict[str, Any] = content.PROMPT | {
        "messages": messages,
        "changelog": "Names the reader's team; at most five obligations",
    }
    second = catalogue.create_version(actor=author, prompt=prompt, now=now, **changed)
    _propose(people, second, local, "Reviewers corrected long lists of obligations.", now)


def _propose(
    people: People, version: PromptVersion, local: Deployment, reason: str, now: datetime
) -> ChangeRequest:
    return releases.propose_release(
        actor=people.actor("owner"),
        version=version,
        deployments=[local],
        environment="production",
        reason=reason,
        now=now,
    )


def _key(people: People, use_case: UseCase, now: datetime) -> str:
    _, secret = create_api_key(
        actor=people.actor("owner"),
        use_case_id=use_case.pk,
        use_case_slug=use_case.slug,
        team=use_case.team,
        name="Dependency intake",
        requests_per_minute=600,
        now=now,
    )
    return secret


def _write_sign_ins(people: People, keys: dict[str, str]) -> None:
    path = Path(settings.DATA_DIR) / "demo.json"
    users = {
        role: {"email": user.email, "password": people.passwords[role]}
        for role, user in people.users.items()
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps({"base_url": "", "users": users, "api_keys": keys}, indent=2))
