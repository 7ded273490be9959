from django.db import migrations

from prompts.gateway.sql import FORGET_INTAKE, NOTE_INTAKE


class Migration(migrations.Migration):
    dependencies = [('gateway', '0006_watch_rates'), ("intake", "0002_written_once")]

    operations = [migrations.RunSQL(NOTE_INTAKE, FORGET_INTAKE)]
