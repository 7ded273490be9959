"""Record a vendor, propose its terms, put what was signed in force, remind of the review."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.text import slugify

from governance.access.late_saves import check_seen
from governance.access.models import User
from governance.access.selectors import holders
from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.rules import NOTICE_DAYS, notice_due
from governance.approvals.services import open_change
from governance.approvals.standing import supersede_others
from governance.audit.selectors import timeline_for
from governance.audit.services import record
from governance.home.services import notify
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed
from governance.model_cards.vendor_models import Vendor
from governance.model_cards.vendor_rules import (
    DAYS,
    LISTS,
    VENDOR_FACTS,
    VENDOR_STATES,
    as_day,
    fact_faults,
)
from governance.model_cards.writing import locked

KIND = "vendor"
REMINDED = "vendor.review_reminded"
SYSTEM = Actor.system("vendors")
KEEPERS = (Permission.MODEL_AUTHOR, Permission.SIGN_COMPLIANCE)
RESERVED = ("new",)


def check_can_keep(actor: Actor) -> None:
    if actor.kind != "person" or not any(actor.may(one) for one in KEEPERS):
        raise NotAllowed("Nothing was changed: ML engineers and compliance keep vendor records.")


def read_facts(given: Mapping[str, Any]) -> dict[str, Any]:
    """All facts, JSON-plain, from what is not trusted; raises Invalid with all that is wrong."""
    owner = given.get("owner")
    owner_id = owner.pk if isinstance(owner, User) else owner
    faults = fact_faults(given)
    known = type(owner_id) is int and User.objects.filter(pk=owner_id, is_active=True).exists()
    if not known:
        faults["owner"] = ["Choose who answers for this vendor."]
    if faults:
        raise Invalid("Nothing was saved: some fields do not fit.", fields=faults)
    plain: dict[str, Any] = {}
    for name in VENDOR_FACTS:
        value = given.get(name)
        if name in DAYS:
            day = as_day(value)
            plain[name] = day.isoformat() if day else None
        elif name in LISTS:
            plain[name] = [one.strip() for one in value or []]
        elif name != "owner":
            plain[name] = str(value).strip()
    return plain | {"owner": owner_id}


def _put(vendor: Vendor, facts: Mapping[str, Any]) -> None:
    for name, value in facts.items():
        if name == "owner":
            vendor.owner_id = value
        else:
            setattr(vendor, name, as_day(value) if name in DAYS else value)


@transaction.atomic
def create_vendor(*, actor: Actor, now: datetime, slug: str = "", **given: Any) -> Vendor:
    """A vendor's record; nothing rests on it before the board signed it."""
    check_can_keep(actor)
    facts = read_facts(given)
    slug = slug.strip() or slugify(facts["name"])[:80]
    try:
        validate_slug(slug)
        is_fine = len(slug) <= 80 and slug not in RESERVED
    except ValidationError:
        is_fine = False
    if not is_fine:
        raise Invalid(
            "Nothing was saved: give another short name.",
            fields={"slug": ["Give another short name, of letters, digits and hyphens."]},
        )
    vendor = Vendor(slug=slug, author=actor.user, created_at=now)
    _put(vendor, facts)
    try:
        with transaction.atomic():
            vendor.save(force_insert=True)
    except IntegrityError:
        raise Invalid(
            "Nothing was saved: another vendor has this short name.",
            fields={"slug": ["Another vendor has this short name."]},
        ) from None
    record(actor=actor, action="vendor.created", subject=vendor, now=now, after=facts)
    return vendor


@transaction.atomic
def propose_vendor(
    *,
    actor: Actor,
    vendor: Vendor,
    reason: str,
    now: datetime,
    changes: Mapping[str, Any] | None = None,
    seen: str = "",
) -> ChangeRequest:
    """Ask for the approval of the record as it stands, or with these facts changed.

    With `seen`: raises Conflict when another change of them was signed meanwhile.
    """
    check_can_keep(actor)
    standing: Vendor = locked(Vendor.objects.all(), pk=vendor.pk)
    check_seen(seen, standing.facts(), standing)
    facts = read_facts({**standing.facts(), **(changes or {})})
    return open_change(
        actor=actor,
        kind=KIND,
        subject_id=vendor.pk,
        proposal=facts,
        title=f"Terms of {vendor.name}",
        reason=reason,
        now=now,
    )


def apply_vendor(*, change: ChangeRequest, approval: Approval, actor: Actor, now: datetime) -> None:
    vendor: Vendor = locked(Vendor.objects.all(), pk=change.subject_id)
    before, facts = vendor.facts(), read_facts(change.proposal)
    _put(vendor, facts)
    vendor.state = VENDOR_STATES.target(vendor.state, "approve")
    vendor.save()
    supersede_others(approval, [vendor.pk], now)
    record(
        actor=actor,
        action="vendor.approved",
        subject=vendor,
        now=now,
        before={name: before[name] for name in facts if before[name] != facts[name]},
        after={name: facts[name] for name in facts if before[name] != facts[name]},
        reason=change.reason,
    )


def overdue_vendor_reviews(now: datetime) -> QuerySet[Vendor]:
    """Approved vendors whose review is overdue, the longest first."""
    late = Vendor.objects.filter(state="approved", review_due__lt=now.astimezone(UTC).date())
    return late.order_by("review_due", "pk")


def remind_of_vendor_reviews(*, now: datetime) -> int:
    """Tell owners 30, 7 and 1 days before a vendor's review is due; how many were told of.

    Each step is told once for each due day: its audit event is the memory.
    """
    today = now.astimezone(UTC).date()
    soon = today + timedelta(days=max(NOTICE_DAYS))
    near = Vendor.objects.filter(state="approved", review_due__range=(today, soon))
    return sum(_remind(pk, now) for pk in near.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def _remind(vendor_id: int, now: datetime) -> bool:
    vendor: Vendor = locked(Vendor.objects.select_related("owner"), pk=vendor_id)
    days_left = (vendor.review_due - now.astimezone(UTC).date()).days
    told = timeline_for(vendor).filter(
        action=REMINDED, after__review_due=vendor.review_due.isoformat()
    )
    step = notice_due(days_left, min(told.values_list("after__step", flat=True), default=None))
    if step is None or vendor.state != "approved":
        return False
    is_here = vendor.owner.is_active
    people = [vendor.owner] if is_here else list(holders(Permission.SIGN_COMPLIANCE, now=now))
    days = "today" if days_left == 0 else f"in {days_left} day{'' if days_left == 1 else 's'}"
    url = reverse("model_cards:vendor", args=[vendor.slug])
    notify(users=people, title=f"Vendor to be reviewed {days}: {vendor}", url=url, now=now)
    after = {"step": step, "review_due": vendor.review_due}
    record(actor=SYSTEM, action=REMINDED, subject=vendor, now=now, after=after)
    return True
