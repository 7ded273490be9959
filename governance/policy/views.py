"""What obliges us to what: the table that the gateway reads, as a page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from governance.kernel.authority import Permission
from governance.kernel.web import page, requires
from governance.policy.person_names import PERSON, installed
from governance.policy.rules import obligation_table


@requires(Permission.USE_CASE_VIEW)
def overview(request: HttpRequest) -> HttpResponse:
    """Sensitivity × tier, from the gateway's own function."""
    rows = [
        {
            "sensitivity": row.sensitivity,
            "tier": row.tier,
            "redact": _in_words(row.obliged.redact),
            "restores": _in_words(row.obliged.restore),
            "hosting": sorted(row.obliged.hosting),
            "oversight": row.oversight,
            "retention_days": row.obliged.retention_days,
            "cache_hours": row.obliged.cache_seconds // 3600,
        }
        for row in obligation_table()
    ]
    return page(request, "governance/policy/overview.html", {"rows": rows})


def _in_words(types: tuple[str, ...]) -> list[str]:
    """Types of personal data that this installation can find."""
    return [one.replace("_", " ").lower() for one in types if one != PERSON or installed()]
