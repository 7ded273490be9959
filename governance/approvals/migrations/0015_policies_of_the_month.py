"""An installation that has its policies gets those of two kinds of change that are new."""

from typing import Any

from django.db import migrations
from django.utils import timezone

BOARD_AND_COMPLIANCE = [
    {"permission": "sign_board", "count": 1},
    {"permission": "sign_compliance", "count": 1},
]
LIMITS = {"minimal": (40, 730), "limited": (40, 365), "high": (80, 180)}


def add_where_others_are(apps: Any, schema_editor: Any) -> None:
    policies = apps.get_model("approvals", "ApprovalPolicy").objects
    if not policies.exists():
        return  # a new installation installs them all
    for tier, (hours, days) in LIMITS.items():
        both = tier == "high"
        sign_offs = {
            "statement_reopening": BOARD_AND_COMPLIANCE,
            "allocation_rule": BOARD_AND_COMPLIANCE if both else BOARD_AND_COMPLIANCE[:1],
        }
        for kind, needed in sign_offs.items():
            policies.get_or_create(
                kind=kind,
                tier=tier,
                active=True,
                defaults={
                    "sign_offs": needed,
                    "decision_hours": hours,
                    "validity_days": days,
                    "made_at": timezone.now(),
                },
            )


class Migration(migrations.Migration):
    dependencies = [("approvals", "0014_bundles")]

    operations = [migrations.RunPython(add_where_others_are, migrations.RunPython.noop)]
