from typing import Any

from django.db import migrations

from governance.registry.sql import STAGE_NEEDS_CHANGE, STAGE_REVERSE


def name_changes(apps: Any, schema_editor: Any) -> None:
    """Each use case names the change that moved it where it is."""
    changes = apps.get_model("approvals", "ChangeRequest").objects
    applied = changes.filter(kind="use_case_stage", state="applied").order_by("-closed_at", "-pk")
    for use_case in apps.get_model("registry", "UseCase").objects.exclude(stage="proposed"):
        moved = applied.filter(subject_id=use_case.pk, proposal__target=use_case.stage).first()
        if moved is not None:
            use_case.stage_change_id = moved.pk
            use_case.save(update_fields=["stage_change"])


class Migration(migrations.Migration):
    dependencies = [("registry", "0009_checklist")]

    operations = [
        migrations.RunSQL(STAGE_NEEDS_CHANGE, STAGE_REVERSE),
        migrations.RunPython(name_changes, migrations.RunPython.noop),
    ]
