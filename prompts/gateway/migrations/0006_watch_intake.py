from django.db import migrations

from prompts.gateway.sql import FORGET_INTAKE, NOTE_INTAKE


class Migration(migrations.Migration):
    dependencies = [("gateway", "0005_steady"), ("intake", "0002_written_once")]

    operations = [migrations.RunSQL(NOTE_INTAKE, FORGET_INTAKE)]
