"""Describe, change, run and switch the places to call a model."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, models, transaction

from governance.access.late_saves import check_seen
from governance.approvals.models import ChangeRequest
from governance.approvals.selectors import approval_in_force
from governance.approvals.services import open_change
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.canonical import plain
from governance.kernel.encryption import encrypt
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.terms import Sensitivity
from governance.kernel.web import get_or_404
from governance.model_cards.models import DECIDED_FACTS, RUNNING_FACTS, Deployment, ModelCard
from governance.model_cards.rules import DEPLOYMENT_STATES, HOSTING, endpoint_problem
from governance.model_cards.writing import check_author, difference, locked

LONGEST_SECRET = 4_000


@transaction.atomic
def create_deployment(
    *,
    actor: Actor,
    name: str,
    slug: str,
    card: ModelCard,
    litellm_model: str,
    hosting: str,
    sensitivity_ceiling: str,
    now: datetime,
    secret: str = "",
    **facts: Any,
) -> Deployment:
    """A place to call a model, not callable until it is approved. The secret is write-only."""
    check_author(actor)
    facts |= {"hosting": hosting, "sensitivity_ceiling": sensitivity_ceiling, "card": card}
    _check_facts(facts)
    try:
        with transaction.atomic():
            deployment = Deployment.objects.create(
                name=name,
                slug=slug,
                litellm_model=litellm_model,
                secret_sealed=_sealed(slug, secret) if secret.strip() else None,
                author=actor.user,
                created_at=now,
                **facts,
            )
    except IntegrityError:
        raise Invalid(
            "Nothing was saved: another deployment has this short name.",
            fields={"slug": ["Another deployment has this short name."]},
        ) from None
    after = {"model": litellm_model, "hosting": hosting, "ceiling": sensitivity_ceiling}
    record(actor=actor, action="deployment.created", subject=deployment, now=now, after=after)
    return deployment


def _check_facts(facts: Mapping[str, Any]) -> None:
    """Raise Invalid for a fact that cannot be; facts that are not given are not looked at."""
    problems: dict[str, list[str]] = {}
    if facts.get("hosting", HOSTING[0]) not in HOSTING:
        problems["hosting"] = ["Choose how it is hosted."]
    if facts.get("sensitivity_ceiling", Sensitivity.PUBLIC) not in list(Sensitivity):
        problems["sensitivity_ceiling"] = ["Choose the most sensitive content that it may see."]
    if problem := endpoint_problem(facts.get("endpoint", "")):
        problems["endpoint"] = [problem]
    for name in ("context_tokens", *RUNNING_FACTS):
        if (facts.get(name) is not None) and facts[name] < 1:
            problems[name] = ["Give a number of one or more."]
    if "card" in facts and facts["card"].state not in ("draft", "approved"):
        problems["card"] = ["Choose a card that is a draft or approved."]
    if problems:
        sentences = " ".join(one[0] for one in problems.values())
        raise Invalid(f"Nothing was saved. {sentences}", fields=problems)


def _sealed(slug: str, secret: str) -> bytes:
    secret = secret.strip()
    if len(secret) > LONGEST_SECRET or not secret.isprintable():
        raise Invalid(
            "Nothing was saved: a secret is one line of at most 4,000 characters.",
            fields={"secret": ["One line of at most 4,000 characters."]},
        )
    return encrypt(secret, context=f"deployment:{slug}:secret")


@transaction.atomic
def change_deployment(
    *, actor: Actor, deployment_id: int, now: datetime, seen: str = "", **facts: Any
) -> Deployment:
    """Change what nobody has approved: everything before approval, how it is run after it.

    With `seen`: raises Conflict when any of its facts changed since they were read.
    """
    check_author(actor)
    deployment: Deployment = locked(Deployment.objects.select_related("card"), pk=deployment_id)
    check_seen(seen, all_facts(deployment), deployment)
    _check_facts(facts)
    before, after = difference({name: getattr(deployment, name) for name in facts}, facts)
    _check_can_change(deployment, after)
    if not after:
        return deployment
    for name, value in after.items():
        setattr(deployment, name, value)
    deployment.save(update_fields=list(after))
    is_running = set(after) <= set(RUNNING_FACTS)
    record(
        actor=actor,
        action="deployment.running_changed" if is_running else "deployment.changed",
        subject=deployment,
        now=now,
        before=_fact_words(before),
        after=_fact_words(after),
    )
    return deployment


def _check_can_change(deployment: Deployment, after: Mapping[str, Any]) -> None:
    if deployment.state == "retired":
        raise WrongState("Nothing was saved: this deployment is retired.")
    if deployment.state != "proposed" and set(after) & {*DECIDED_FACTS, "card", "vendor"}:
        raise WrongState(
            "Nothing was saved: these facts were approved as they are. Propose the change instead."
        )


def _fact_words(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: str(value) if isinstance(value, models.Model) else value
        for name, value in facts.items()
    }


@transaction.atomic
def replace_secret(*, actor: Actor, deployment_id: int, secret: str, now: datetime) -> Deployment:
    """Seal another provider's key; the next call uses it. Neither key is ever written anywhere."""
    check_author(actor)
    deployment: Deployment = locked(Deployment.objects.all(), pk=deployment_id)
    if not secret.strip():
        raise Invalid("Nothing was saved: give the secret.", fields={"secret": ["Give it."]})
    had_one = deployment.has_secret
    deployment.secret_sealed = _sealed(deployment.slug, secret)
    deployment.save(update_fields=["secret_sealed"])
    record(
        actor=actor,
        action="deployment.secret_replaced",
        subject=deployment,
        now=now,
        before={"has_secret": had_one},
        after={"has_secret": True},
    )
    return deployment


@transaction.atomic
def run_deployment(
    *,
    actor: Actor,
    deployment_id: int,
    secret: str,
    now: datetime,
    seen: str = "",
    **facts: Any,
) -> Deployment:
    """How it is run, and another secret if one is given: both are saved, or neither."""
    if seen:
        standing = locked(Deployment.objects.all(), pk=deployment_id)
        check_seen(seen, running_facts(standing), standing)
    saved = change_deployment(actor=actor, deployment_id=deployment_id, now=now, **facts)
    if not secret.strip():
        return saved
    return replace_secret(actor=actor, deployment_id=deployment_id, secret=secret, now=now)


def all_facts(deployment: Deployment) -> dict[str, Any]:
    """All that a change can name, but the secret."""
    names = (*DECIDED_FACTS, *RUNNING_FACTS, "card", "vendor")
    return {name: getattr(deployment, name) for name in names}


def running_facts(deployment: Deployment) -> dict[str, Any]:
    """What no approval covers."""
    return {name: getattr(deployment, name) for name in RUNNING_FACTS}


@transaction.atomic
def propose_deployment(
    *,
    actor: Actor,
    deployment: Deployment,
    reason: str,
    now: datetime,
    changes: Mapping[str, Any] | None = None,
    seen: str = "",
) -> ChangeRequest:
    """Ask for its approval; `changes` are decided facts of one that is approved already."""
    deployment = locked(Deployment.objects.select_related("card"), pk=deployment.pk)
    check_seen(seen, all_facts(deployment), deployment)
    _check_facts(changes or {})
    standing = {name: getattr(deployment, name) for name in (*DECIDED_FACTS, "vendor")}
    _, wanted = difference(standing, changes or {})
    if wanted and deployment.state == "proposed":
        raise WrongState(
            "Nothing was opened: change the facts first, then propose them as they stand."
        )
    model, place = deployment.card.name, deployment.name
    return open_change(
        actor=actor,
        kind="deployment",
        subject_id=deployment.pk,
        proposal=plain(_with_vendor_named(wanted)),
        title=f"Change how {model} is called at {place}" if wanted else f"Call {model} at {place}",
        reason=reason,
        now=now,
    )


def _with_vendor_named(facts: dict[str, Any]) -> dict[str, Any]:
    """The vendor by its short name, which is what a proposal keeps."""
    vendor = facts.get("vendor")
    return facts if vendor is None else facts | {"vendor": vendor.slug}


@transaction.atomic
def switch_deployment(
    *, actor: Actor, deployment_id: int, action: str, reason: str, now: datetime
) -> Deployment:
    """Suspend or resume a deployment; acts on the next call.

    Resuming needs an approval in force: what lost it comes back by a new request alone.
    """
    if not actor.may(Permission.INCIDENT_COMMAND):
        raise NotAllowed("Nothing was changed: a safety officer suspends and resumes deployments.")
    if not reason.strip():
        raise Invalid("Nothing was changed: say why.", fields={"reason": ["Say why."]})
    deployment: Deployment = get_or_404(Deployment.objects.select_for_update(), pk=deployment_id)
    deployment.state = DEPLOYMENT_STATES.target(deployment.state, action)
    standing = approval_in_force(kind="deployment", subject_id=deployment.pk, now=now)
    if action == "resume" and standing is None:
        raise WrongState(
            "Nothing was changed: no approval of this deployment is in force. "
            "It must be proposed again."
        )
    deployment.save(update_fields=["state"])
    record(actor=actor, action=f"deployment.{action}", subject=deployment, now=now, reason=reason)
    return deployment
