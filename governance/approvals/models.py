"""Change requests, their slots and decisions, and the approvals that stand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q
from django.utils import timezone

from governance.access.models import Team, User
from governance.approvals.bundle_models import Bundle
from governance.approvals.delegation_models import Delegation, DelegationQuerySet
from governance.approvals.discussion_models import ChangePoint, Comment, PointAnswer
from governance.approvals.emergency_models import Emergency
from governance.approvals.meeting_models import AgendaItem, Attendance, Meeting
from governance.approvals.policy_models import ApprovalPolicy, ApprovalPolicyQuerySet
from governance.approvals.rules import (
    APPROVAL_STATES,
    CHANGE_STATES,
    DECIDABLE,
    UNDECIDED,
    Outcome,
    Slot,
)
from governance.approvals.shapes import titles
from governance.kernel.authority import Permission

__all__ = [
    "AgendaItem",
    "Approval",
    "ApprovalPolicy",
    "ApprovalPolicyQuerySet",
    "ApprovalQuerySet",
    "Attendance",
    "Bundle",
    "ChangePoint",
    "ChangeRequest",
    "ChangeRequestQuerySet",
    "Comment",
    "Condition",
    "ConditionQuerySet",
    "Decision",
    "Delegation",
    "DelegationQuerySet",
    "Emergency",
    "Meeting",
    "PointAnswer",
    "SignOffSlot",
]


def _choices(values: Any) -> list[tuple[str, str]]:
    return [(str(value), str(value)) for value in values]


CHANGE_STATE_CHOICES = _choices(CHANGE_STATES.states)
APPROVAL_STATE_CHOICES = _choices(APPROVAL_STATES.states)


class ChangeRequestQuerySet(models.QuerySet["ChangeRequest"]):
    def undecided(self) -> ChangeRequestQuerySet:
        return self.filter(state__in=UNDECIDED)

    def visible_to(self, user: User) -> ChangeRequestQuerySet:
        """Of the person's reach, their own, and what they are asked to sign."""
        reach = user.reach(Permission.CHANGE_VIEW)
        if reach.everywhere:
            return self
        mine = Q(team_id__in=reach.team_ids) | Q(proposer=user)
        owed = Condition.objects.filter(owner=user).values("change")
        left = DeclaredConflict.objects.filter(person=user).values("change")
        asked = _asked_of(user).values("change")
        # Who signs a bundle sees its parts.
        parts = Q(bundle__change__in=asked)
        return self.filter(mine | Q(pk__in=owed) | Q(pk__in=left) | Q(pk__in=asked) | parts)

    def asking(self, user: User) -> ChangeRequestQuerySet:
        """With a slot, in whichever step, for this person or whom they stand in for."""
        return self.filter(pk__in=_asked_of(user).values("change"))

    def waiting_for(self, user: User) -> ChangeRequestQuerySet:
        """Open or provisional, with a free slot for this person or whom they stand in for.

        Only in the step that is reached, and only if they have not decided yet.
        """
        decided = Decision.objects.filter(person=user, is_void=False)
        earlier = SignOffSlot.objects.filter(
            change=OuterRef("change"), filled_by=None, step__lt=OuterRef("step")
        )
        free = _asked_of(user, still=True).filter(~Exists(earlier), filled_by=None)
        return (
            self.filter(state__in=DECIDABLE, pk__in=free.values("change"))
            .exclude(pk__in=decided.values("change"))
            .exclude(conflicted__contains=[user.pk])
        )


def _asked_of(user: User, *, still: bool = False) -> models.QuerySet[SignOffSlot]:
    """Slots that the person may fill, filled already or not, also in somebody's place.

    `still` leaves out those whose delegator has spoken already.
    """
    eligible = SignOffSlot.eligible.through.objects
    signs_here = Q(permission=OuterRef("permission")) | Q(
        Func(
            OuterRef("any_of"),
            F("permission"),
            function="jsonb_exists",
            output_field=models.BooleanField(),
        )
    )
    stands_in = Delegation.objects.live(timezone.now()).filter(
        signs_here,
        delegate=user,
        delegator__in=eligible.filter(signoffslot=OuterRef(OuterRef("pk"))).values("user"),
    )
    if still:
        spoken = Decision.objects.filter(change=OuterRef(OuterRef("change")), is_void=False)
        stands_in = stands_in.exclude(delegator__in=spoken.values("person"))
    own = eligible.filter(signoffslot=OuterRef("pk"), user=user)
    return SignOffSlot.objects.filter(Exists(own) | Exists(stands_in))


class ChangeRequest(models.Model):
    """One proposal with the exact content that is decided on, by its hash."""

    kind = models.CharField(max_length=30)
    subject_id = models.BigIntegerField()
    subject_label = models.CharField(max_length=300)
    title = models.CharField(max_length=200)
    reason = models.TextField()
    proposal: Any = models.JSONField()
    snapshot: Any = models.JSONField()
    digest = models.CharField(max_length=64)
    base: Any = models.JSONField(default=dict)
    base_digest = models.CharField(max_length=64)
    tier = models.CharField(max_length=15)
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="+")
    proposer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="proposed_changes"
    )
    revision = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=20, choices=CHANGE_STATE_CHOICES)
    policy = models.ForeignKey(ApprovalPolicy, models.PROTECT, related_name="+")
    conflicted: Any = models.JSONField(default=list)
    evidence: Any = models.JSONField(default=dict)
    stale_because: Any = models.JSONField(default=list)
    stale_voids: Any = models.JSONField(default=list)
    bundle = models.ForeignKey(Bundle, models.PROTECT, null=True, blank=True, related_name="parts")
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = ChangeRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-pk"]
        indexes = [models.Index(fields=["state", "due_at"])]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject_id"],
                condition=Q(state__in=sorted(UNDECIDED)),
                name="one_undecided_change_per_subject",
            ),
            models.CheckConstraint(
                condition=~Q(state="bundled") | Q(bundle__isnull=False),
                name="a_bundled_change_has_its_bundle",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def is_late(self, now: datetime) -> bool:
        return self.state in UNDECIDED and self.due_at < now


class SignOffSlot(models.Model):
    """One needed signature; the people who may give it are fixed when the request opens.

    After that people only leave the set (they lose the role, or declare a conflict); a replan
    adds some, and only where nobody is left.
    """

    change = models.ForeignKey(ChangeRequest, models.CASCADE, related_name="slots")
    permission = models.CharField(max_length=30)
    any_of: Any = models.JSONField(default=list, blank=True)
    step = models.PositiveSmallIntegerField(default=1)
    position = models.PositiveSmallIntegerField()
    eligible = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+")
    filled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["change", "filled_by"],
                condition=Q(filled_by__isnull=False),
                name="one_person_fills_one_slot",
            )
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The roles of which one signs here."""
        return titles(self.roles)

    @property
    def roles(self) -> tuple[str, ...]:
        return (self.permission, *self.any_of)

    def as_slot(self) -> Slot:
        eligible = frozenset(person.pk for person in self.eligible.all())
        return Slot(self.pk, eligible, self.filled_by_id, self.step)


class Decision(models.Model):
    """What one person decided on one revision. Insert only, but for the void mark."""

    change = models.ForeignKey(ChangeRequest, models.PROTECT, related_name="decisions")
    revision = models.PositiveIntegerField()
    slot = models.ForeignKey(SignOffSlot, models.PROTECT, null=True, blank=True, related_name="+")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    on_behalf_of = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    outcome = models.CharField(max_length=25, choices=_choices(Outcome))
    rationale = models.TextField(blank=True)
    digest_seen = models.CharField(max_length=64)
    is_void = models.BooleanField(default=False)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["change", "revision", "person"],
                condition=Q(is_void=False),
                name="one_decision_per_person",
            ),
            models.UniqueConstraint(
                fields=["change", "revision", "on_behalf_of"],
                condition=Q(is_void=False),
                name="one_decision_per_delegator",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.outcome}"


class DeclaredConflict(models.Model):
    """A person has an interest in a request, so they and their stand-ins decide nothing of it.

    It holds for all its revisions: what is proposed may change, the interest stays.
    """

    change = models.ForeignKey(ChangeRequest, models.PROTECT, related_name="declared_conflicts")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["change", "person"], name="one_conflict_per_person")
        ]

    def __str__(self) -> str:
        return f"{self.person}: conflict of interest"


class ApprovalQuerySet(models.QuerySet["Approval"]):
    def in_force(self, now: datetime) -> ApprovalQuerySet:
        return self.filter(state="in_force", valid_from__lte=now, valid_until__gt=now)

    def unended(self) -> ApprovalQuerySet:
        return self.filter(state__in=["in_force", "suspended"])

    def visible_to(self, user: User) -> ApprovalQuerySet:
        """Those whose change the person may see."""
        if user.reach(Permission.CHANGE_VIEW).everywhere:
            return self
        return self.filter(change__in=ChangeRequest.objects.visible_to(user))

    def ending_before(self, moment: datetime) -> ApprovalQuerySet:
        """Still standing, and over by then unless somebody proposes it again."""
        return self.unended().filter(valid_until__lte=moment)


class Approval(models.Model):
    """The standing result of a granted request; the gateway asks for it at every call."""

    change = models.OneToOneField(ChangeRequest, models.PROTECT, related_name="approval")
    kind = models.CharField(max_length=30)
    subject_id = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    environment = models.CharField(max_length=15, blank=True)
    state = models.CharField(max_length=15, choices=APPROVAL_STATE_CHOICES, default="in_force")
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=300, blank=True)
    noticed_days = models.PositiveSmallIntegerField(null=True, blank=True)

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        ordering = ["-valid_from", "-pk"]
        indexes = [models.Index(fields=["kind", "subject_id", "state"])]

    def __str__(self) -> str:
        return f"Approval of {self.change}"


class ConditionQuerySet(models.QuerySet["Condition"]):
    def standing(self) -> ConditionQuerySet:
        """Of changes that were granted; what came with a refused one binds nobody."""
        return self.filter(change__state="applied")

    def visible_to(self, user: User) -> ConditionQuerySet:
        """Their own, and those of changes that the person may see."""
        if user.reach(Permission.CHANGE_VIEW).everywhere:
            return self
        return self.filter(change__in=ChangeRequest.objects.visible_to(user))

    def unmet(self) -> ConditionQuerySet:
        return self.filter(met_at=None)

    def overdue(self, now: datetime) -> ConditionQuerySet:
        return self.unmet().filter(due_on__lt=now.date())


class Condition(models.Model):
    """What must be true by when for an approval to stay in force."""

    change = models.ForeignKey(ChangeRequest, models.PROTECT, related_name="conditions")
    decision = models.ForeignKey(
        Decision, models.PROTECT, null=True, blank=True, related_name="conditions"
    )
    text = models.CharField(max_length=500)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    due_on = models.DateField()
    met_at = models.DateTimeField(null=True, blank=True)
    evidence = models.CharField(max_length=500, blank=True)

    objects = ConditionQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "pk"]

    def __str__(self) -> str:
        return self.text

    def state(self, now: datetime) -> str:
        """One of CONDITION_STATES; it is due until the end of its day, in UTC."""
        if self.met_at is not None:
            return "met"
        return "overdue" if self.due_on < now.date() else "open"
