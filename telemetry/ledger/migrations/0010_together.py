"""Sets of calls in one statement."""

from django.db import migrations

from telemetry.ledger.together_sql import TOGETHER, TOGETHER_BACK


class Migration(migrations.Migration):
    dependencies = [('ledger', '0009_confidence')]

    operations = [migrations.RunSQL(TOGETHER, TOGETHER_BACK)]
