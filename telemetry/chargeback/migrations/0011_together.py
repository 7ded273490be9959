"""Sets of calls in one statement."""

from django.db import migrations

from telemetry.chargeback.together_sql import TOGETHER, TOGETHER_BACK


class Migration(migrations.Migration):
    dependencies = [("chargeback", "0010_review_time"), ('ledger', '0010_together')]

    operations = [migrations.RunSQL(TOGETHER, TOGETHER_BACK)]
