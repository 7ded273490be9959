"""The scoring model as governed data: in force, installed, proposed, replaced."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.urls import reverse

from governance.access.models import Team
from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.registries import Evidence, change_subjects
from governance.approvals.services import open_change
from governance.approvals.standing import supersede_others
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.terms import RiskTier
from governance.kernel.web import get_or_404
from governance.registry.models import Score, ScoringModel
from governance.registry.scoring_content import KINDS, STARTING, ModelContent, read_content

# Who decides, who proves, and who assesses for the whole organisation.
PROPOSE = (Permission.SIGN_BOARD, Permission.SIGN_COMPLIANCE, Permission.USE_CASE_ASSESS)
TITLE = "What use cases are scored by"


def model_in_force() -> tuple[int, ModelContent]:
    """Version and content; the starting ones where none was installed."""
    found = ScoringModel.objects.filter(active=True).first()
    return (found.version, found.content) if found else (1, STARTING)


def contents_of(versions: Iterable[int]) -> dict[int, ModelContent]:
    """By version, in one query; the first is known without its row."""
    found = ScoringModel.objects.filter(version__in=set(versions))
    return {1: STARTING} | {one.version: one.content for one in found}


@transaction.atomic
def install_starting_scoring_model(*, actor: Actor, now: datetime) -> ScoringModel:
    """Version 1, unless there is a version already."""
    found = ScoringModel.objects.first()
    if found is not None:
        return found
    made = ScoringModel.objects.create(version=1, made_at=now, **STARTING.as_proposal())
    record(actor=actor, action="scoring_model.installed", subject=made, now=now)
    return made


class ScoringModelSubject:
    """The scoring model; a granted change makes its next version."""

    kind = "scoring_model"
    label = "Scoring model"

    def find(self, subject_id: int) -> ScoringModel:
        found: ScoringModel = get_or_404(ScoringModel.objects.all(), pk=subject_id)
        return found

    def snapshot(self, subject: ScoringModel, proposal: dict[str, Any]) -> dict[str, Any]:
        return _shown(read_content(proposal), subject.version + 1)

    def base(self, subject: ScoringModel, proposal: dict[str, Any]) -> dict[str, Any]:
        return _shown(subject.content, subject.version)

    def tier(self, subject: ScoringModel, proposal: dict[str, Any]) -> RiskTier:
        """It orders work and lets nothing run: the gates do that."""
        return RiskTier.LIMITED

    def team(self, subject: ScoringModel) -> Team | None:
        return None

    def authors(self, subject: ScoringModel, proposal: dict[str, Any]) -> set[int]:
        """The proposer writes all of it, and is in conflict anyway."""
        return set()

    def missing(self, subject: ScoringModel, proposal: dict[str, Any]) -> list[str]:
        try:
            content = read_content(proposal)
        except Invalid as refused:
            return [f"{name}: {words[0]}" for name, words in refused.fields.items()]
        if not subject.active:
            return ["the scoring model in force; this version has been replaced."]
        return ["a scoring model that differs."] if content == subject.content else []

    def evidence(self, subject: ScoringModel, proposal: dict[str, Any]) -> list[Evidence]:
        new, old = read_content(proposal), subject.content
        scored = Score.objects.filter(model_version=subject.version)
        count = scored.values("use_case").distinct().count()
        note = "They keep the version they were made with, and say so."
        counts = [
            Evidence(f"Dimensions of {kind}", str(len(new.of(kind))), str(len(old.of(kind))))
            for kind in KINDS
        ]
        return [*counts, Evidence("Use cases scored by it", str(count), str(count), note=note)]

    def apply(self, change: ChangeRequest, approval: Approval, actor: Actor, now: datetime) -> None:
        _replace(change, approval, actor, now)

    def end(self, approval: Approval, actor: Actor, now: datetime, reason: str) -> None:
        """Nothing stops: without a scoring model nothing could be scored."""

    def url(self, subject: ScoringModel) -> str:
        return reverse("registry:scoring-model")

    def check_can_propose(self, actor: Actor, subject: ScoringModel) -> None:
        if not any(actor.may(one) for one in PROPOSE):
            raise NotAllowed(
                "Nothing was opened: board members, compliance and safety officers propose "
                "scoring models."
            )

    def read_proposal(
        self, subject: ScoringModel, given: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        return TITLE, read_content(given).as_proposal()


def _shown(content: ModelContent, version: int) -> dict[str, Any]:
    """A line per fact, for the comparison; the version makes it stale when another came first."""
    shown: dict[str, Any] = {"version": version, "threshold": str(content.threshold)}
    for one in content.dimensions:
        scale = {f"point {point}": words for point, words in one.scale}
        facts = {"title": one.title, "weight": str(one.weight), "share": f"{content.share(one)} %"}
        shown[f"{one.kind}: {one.key}"] = facts | scale
    return shown


def propose_scoring_model(
    *, actor: Actor, proposal: dict[str, Any], reason: str, now: datetime
) -> ChangeRequest:
    """Open the change to the next version; `proposal` is not trusted."""
    model: ScoringModel = get_or_404(ScoringModel.objects.filter(active=True))
    change_subjects[ScoringModelSubject.kind].check_can_propose(actor, model)
    return open_change(
        actor=actor,
        kind=ScoringModelSubject.kind,
        subject_id=model.pk,
        proposal=read_content(proposal).as_proposal(),
        title=TITLE,
        reason=reason,
        now=now,
    )


def _replace(change: ChangeRequest, approval: Approval, actor: Actor, now: datetime) -> None:
    """The next version takes the place of the one in force. Scores and open rounds keep theirs."""
    old = ScoringModel.objects.select_for_update(no_key=True).get(pk=change.subject_id)
    if not old.active:
        raise WrongState("Nothing was changed: another version came first.")
    content = read_content(change.proposal)
    old.active = False
    old.save(update_fields=["active"])
    new = ScoringModel.objects.create(
        version=old.version + 1, change=change, made_at=now, **content.as_proposal()
    )
    supersede_others(approval, list(ScoringModel.objects.values_list("pk", flat=True)), now)
    record(
        actor=actor,
        action="scoring_model.replaced",
        subject=new,
        now=now,
        before=old.content.as_proposal(),
        after=content.as_proposal(),
        reason=change.reason,
    )
