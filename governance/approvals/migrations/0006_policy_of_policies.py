"""An installation that has its policies gets the one under which they are changed from now on."""

from typing import Any

from django.db import migrations
from django.utils import timezone

SIGN_OFFS = [
    {"permission": "sign_board", "count": 1},
    {"permission": "sign_compliance", "count": 1},
]
LIMITS = {"minimal": (40, 730), "limited": (40, 365), "high": (80, 180)}


def add_where_others_are(apps: Any, schema_editor: Any) -> None:
    policies = apps.get_model("approvals", "ApprovalPolicy").objects
    if not policies.exists():
        return  # a new installation installs them all
    for tier, (hours, days) in LIMITS.items():
        policies.get_or_create(
            kind="approval_policy",
            tier=tier,
            active=True,
            defaults={
                "sign_offs": SIGN_OFFS,
                "decision_hours": hours,
                "validity_days": days,
                "made_at": timezone.now(),
            },
        )


class Migration(migrations.Migration):
    dependencies = [("approvals", "0005_policy_versions")]

    operations = [migrations.RunPython(add_where_others_are, migrations.RunPython.noop)]
