"""An installation that has its policies gets those of three kinds of change that are new."""

from typing import Any

from django.db import migrations
from django.utils import timezone

KINDS = ("training_requirement", "vendor", "policy_document")
SIGN_OFFS = [{"permission": "sign_board", "count": 1}]
LIMITS = {"minimal": (40, 730), "limited": (40, 365), "high": (80, 180)}


def add_where_others_are(apps: Any, schema_editor: Any) -> None:
    policies = apps.get_model("approvals", "ApprovalPolicy").objects
    if not policies.exists():
        return  # a new installation installs them all
    for kind in KINDS:
        for tier, (hours, days) in LIMITS.items():
            policies.get_or_create(
                kind=kind,
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
    dependencies = [("approvals", "0008_slot_shapes")]

    operations = [migrations.RunPython(add_where_others_are, migrations.RunPython.noop)]
