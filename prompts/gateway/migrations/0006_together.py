"""Sets of calls in one statement."""

from django.db import migrations

from prompts.gateway.together_sql import TOGETHER, TOGETHER_BACK


class Migration(migrations.Migration):
    dependencies = [("gateway", "0005_steady"), ("chargeback", "0005_together"), ("ledger", "0006_together")]

    operations = [migrations.RunSQL(TOGETHER, TOGETHER_BACK)]
