from django.db import migrations

from telemetry.chargeback import sql


class Migration(migrations.Migration):
    dependencies = [("chargeback", "0001_initial"), ("ledger", "0002_triggers")]

    operations = [
        migrations.RunSQL(sql.BOOKING_PERIOD, sql.BOOKING_PERIOD_BACK),
        migrations.RunSQL(sql.DAILY_USAGE, sql.DAILY_USAGE_BACK),
        migrations.RunSQL(sql.CLOSED_STATEMENTS, sql.CLOSED_STATEMENTS_BACK),
    ]
