"""Sets of calls in one statement."""

from django.db import migrations

from telemetry.ledger.together_sql import TOGETHER, TOGETHER_BACK


class Migration(migrations.Migration):
    dependencies = [("ledger", "0008_review_time")]

    operations = [migrations.RunSQL(TOGETHER, TOGETHER_BACK)]
