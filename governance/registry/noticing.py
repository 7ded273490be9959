"""Say in time that an assessment runs out."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from django.db import transaction
from django.urls import reverse

from governance.access.models import User
from governance.approvals.rules import NOTICE_DAYS, notice_due
from governance.home.services import notify
from governance.registry.models import RiskAssessment
from governance.registry.risk_standing import latest_assessments


def give_notices(*, now: datetime) -> int:
    """Tell 30, 7 and 1 days before an assessment runs out, each once; how many were told of.

    Told are the owner of the use case and who assessed it. One that a later assessment replaced
    is not spoken of.
    """
    horizon = now + timedelta(days=max(NOTICE_DAYS))
    soon = [one.pk for one in latest_assessments() if one.ends_at <= horizon]
    return sum(_give_notice(pk, now) for pk in soon)


@transaction.atomic
def _give_notice(assessment_id: int, now: datetime) -> bool:
    found = RiskAssessment.objects.select_for_update(of=("self",))
    assessment = found.select_related("use_case").get(pk=assessment_id)
    days_left = math.ceil((assessment.ends_at - now) / timedelta(days=1))
    due = notice_due(days_left, assessment.noticed_days)
    if due is None:
        return False
    assessment.noticed_days = due
    assessment.save(update_fields=["noticed_days"])
    use_case = assessment.use_case
    in_days = f"runs out in {days_left} day{'' if days_left == 1 else 's'}"
    ends = "ran out" if days_left <= 0 else in_days
    title = f"Assess the risk of {use_case} again: its assessment {ends}"
    concerned = {use_case.owner_id, assessment.assessor_id}
    people = User.objects.filter(pk__in=concerned, is_active=True)
    url = reverse("registry:step", args=[use_case.slug, "risk"])
    notify(users=people, title=title, url=url, now=now)
    return True
