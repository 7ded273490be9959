"""The live query over vendors."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count, Max, Q
from django.urls import reverse

from governance.access.models import User
from governance.approvals.models import Approval
from governance.compliance.rules import Evidence
from governance.model_cards.models import Deployment


def vendor_terms(now: datetime, user: User | None) -> Evidence:
    """Of the deployments that others host and that are not retired: those with current terms."""
    is_current = Q(vendor__state="approved", vendor__review_due__gte=now.date())
    hosted = Deployment.objects.filter(Q(hosting="hosted") | Q(vendor__isnull=False))
    facts = hosted.exclude(state="retired").aggregate(all=Count("pk"), good=Count("pk", is_current))
    newest = Approval.objects.filter(kind="vendor").aggregate(at=Max("valid_from"))["at"]
    words = "{good} of {all} deployments that others host name a vendor with reviewed terms."
    url = reverse("model_cards:vendors")
    return Evidence(words.format(**facts), facts["good"], facts["all"], newest, url)
