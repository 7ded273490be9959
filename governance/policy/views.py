"""What obliges us to what: the table that the gateway reads, as a page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from governance.kernel.authority import Permission
from governance.kernel.terms import RiskTier, Sensitivity
from governance.kernel.web import page, requires
from governance.policy.rules import OVERSIGHT_FLOOR, obligations


@requires(Permission.USE_CASE_VIEW)
def overview(request: HttpRequest) -> HttpResponse:
    """Sensitivity × tier, from the gateway's own table."""
    rows = [
        {
            "sensitivity": sensitivity,
            "tier": tier,
            "obliged": obligations(sensitivity, tier),
            "oversight": OVERSIGHT_FLOOR[tier],
        }
        for sensitivity in Sensitivity
        for tier in (RiskTier.MINIMAL, RiskTier.LIMITED, RiskTier.HIGH)
    ]
    return page(request, "governance/policy/overview.html", {"rows": rows})
