from django.db import migrations

from telemetry.drift import sql


class Migration(migrations.Migration):
    dependencies = [("drift", "0001_initial")]

    operations = [migrations.RunSQL(sql.FINISHED_CHECKS, sql.FINISHED_CHECKS_BACK)]
