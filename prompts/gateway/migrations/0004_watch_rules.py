from django.db import migrations

from prompts.gateway.sql import FORGET_RULES, NOTE_RULES


class Migration(migrations.Migration):
    dependencies = [("gateway", "0003_kept"), ("policy", "0001_rule_sets")]

    operations = [migrations.RunSQL(NOTE_RULES, FORGET_RULES)]
