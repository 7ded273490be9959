from django.db import migrations

from prompts.gateway.sql import FORGET_RATES, NOTE_RATES


class Migration(migrations.Migration):
    dependencies = [("gateway", "0005_steady"), ("model_cards", "0006_money")]

    operations = [migrations.RunSQL(NOTE_RATES, FORGET_RATES)]
