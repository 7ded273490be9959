"""How a vendor's record is decided on, and what a deployment's change shows of its vendor."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone

from governance.access.models import Team, User
from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.registries import Evidence
from governance.audit.selectors import timeline_for
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid
from governance.kernel.terms import RiskTier
from governance.kernel.web import get_or_404
from governance.model_cards.models import Deployment
from governance.model_cards.vendor_models import Vendor
from governance.model_cards.vendor_rules import TRAINS_ON_DATA, VENDOR_STATES, as_day
from governance.model_cards.vendors import KIND, apply_vendor, check_can_keep, read_facts


class VendorSubject:
    """A provider of models and its terms."""

    kind = KIND
    label = "Vendor"

    def find(self, subject_id: int) -> Vendor:
        found: Vendor = get_or_404(Vendor.objects.select_related("owner"), pk=subject_id)
        return found

    def snapshot(self, subject: Vendor, proposal: dict[str, Any]) -> dict[str, Any]:
        return _shown(read_facts(proposal))

    def base(self, subject: Vendor, proposal: dict[str, Any]) -> dict[str, Any]:
        return {} if subject.state == "proposed" else _shown(subject.facts())

    def tier(self, subject: Vendor, proposal: dict[str, Any]) -> RiskTier:
        """Who trains on what we send is looked at as the highest risk is."""
        trains = read_facts(proposal)["trains_on_data"]
        return RiskTier.LIMITED if trains == "no" else RiskTier.HIGH

    def team(self, subject: Vendor) -> Team | None:
        return None

    def authors(self, subject: Vendor, proposal: dict[str, Any]) -> set[int]:
        """Who recorded it, and who answers for it."""
        events = timeline_for(subject).filter(action="vendor.created", actor_kind="person")
        writers = {subject.author_id, *map(int, events.values_list("actor_id", flat=True))}
        return writers | {subject.owner_id, read_facts(proposal)["owner"]}

    def missing(self, subject: Vendor, proposal: dict[str, Any]) -> list[str]:
        try:
            facts = read_facts(proposal)
        except Invalid as refused:
            return [f"{name}: {words[0]}" for name, words in refused.fields.items()]
        due = as_day(facts["review_due"])
        if due is not None and due < timezone.now().date():
            return ["a review that is not overdue."]
        return []

    def evidence(self, subject: Vendor, proposal: dict[str, Any]) -> list[Evidence]:
        facts, live = read_facts(proposal), self.base(subject, proposal)
        resting = str(Deployment.objects.filter(vendor=subject).exclude(state="retired").count())
        return [
            Evidence(
                "Terms", facts["terms_version"], live.get("terms_version"), url=facts["terms_link"]
            ),
            Evidence(
                "Trains on our data",
                TRAINS_ON_DATA[facts["trains_on_data"]],
                live.get("trains_on_our_data"),
            ),
            Evidence("Deployments that rest on it", resting, resting),
        ]

    def apply(self, change: ChangeRequest, approval: Approval, actor: Actor, now: datetime) -> None:
        apply_vendor(change=change, approval=approval, actor=actor, now=now)

    def end(self, approval: Approval, actor: Actor, now: datetime, reason: str) -> None:
        """No new deployment can rest on it; those that do have approvals of their own."""
        vendor = self.find(approval.subject_id)
        if VENDOR_STATES.allows(vendor.state, "end"):
            vendor.state = VENDOR_STATES.target(vendor.state, "end")
            vendor.save(update_fields=["state"])

    def resume(self, approval: Approval, actor: Actor, now: datetime) -> None:
        vendor = self.find(approval.subject_id)
        vendor.state = VENDOR_STATES.target(vendor.state, "approve")
        vendor.save(update_fields=["state"])

    def url(self, subject: Vendor) -> str:
        return reverse("model_cards:vendor", args=[subject.slug])

    def check_can_propose(self, actor: Actor, subject: Vendor) -> None:
        check_can_keep(actor)

    def read_proposal(self, subject: Vendor, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return f"Terms of {subject.name}", read_facts({**subject.facts(), **given})


def _shown(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts as the board reads them; the owner by address."""
    owner = User.objects.filter(pk=facts["owner"]).values_list("email", flat=True).first()
    shown = {name: value for name, value in facts.items() if name != "trains_on_data"}
    trains = TRAINS_ON_DATA[facts["trains_on_data"]]
    return shown | {"trains_on_our_data": trains, "owner": owner}


def proposed_vendor(deployment: Deployment, proposal: dict[str, Any]) -> Vendor | None:
    """The vendor that a deployment's change is about: the proposal's, else the one it names."""
    if "vendor" not in proposal:
        return deployment.vendor
    return Vendor.objects.filter(slug=proposal["vendor"] or "").first()


def vendor_missing(vendor: Vendor | None, hosting: str, today: date) -> list[str]:
    """What the gate of a deployment misses: hosted needs a vendor, a named one a current review."""
    if hosting == "embedded":
        return []
    if vendor is None:
        return ["its vendor: who hosts it has terms to review."] if hosting == "hosted" else []
    if vendor.state != "approved":
        return [f"an approved record of its vendor {vendor}."]
    if vendor.review_due < today:
        return [f"a current review of its vendor {vendor}; it was due on {vendor.review_due}."]
    return []


def vendor_evidence(vendor: Vendor | None) -> list[Evidence]:
    """What the board sees of the vendor on the change of a deployment."""
    if vendor is None:
        return []
    url = reverse("model_cards:vendor", args=[vendor.slug])
    regions = ", ".join(vendor.regions) or "none named"
    processors = ", ".join(vendor.sub_processors) or "none named"
    return [
        Evidence("Vendor", vendor.name, url=url, note=f"reviewed {vendor.reviewed_on}"),
        Evidence("Vendor’s terms", vendor.terms_version, url=vendor.terms_link),
        Evidence("Trains on our data", vendor.trains_in_words, note=vendor.data_use_clause[:300]),
        Evidence("Vendor’s regions", regions),
        Evidence("Sub-processors", processors),
        Evidence("Vendor’s review due", f"{vendor.review_due}"),
    ]
