from django.db import migrations

from telemetry.ledger.sql import INSERT_ONLY, WRITABLE_AGAIN


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]

    operations = [migrations.RunSQL(INSERT_ONLY, WRITABLE_AGAIN)]
