"""Sets of calls in one statement."""

from django.db import migrations

from telemetry.chargeback.together_sql import TOGETHER, TOGETHER_BACK


class Migration(migrations.Migration):
    dependencies = [("chargeback", "0004_budget_row_guard"), ("ledger", "0006_together")]

    operations = [migrations.RunSQL(TOGETHER, TOGETHER_BACK)]
