from django.db import migrations

from prompts.gateway.sql import FORGET_RULES, NOTE_RULES


class Migration(migrations.Migration):
    dependencies = [("gateway", "0002_result_fetches"), ("policy", "0001_rule_sets")]

    operations = [migrations.RunSQL(NOTE_RULES, FORGET_RULES)]
