"""Calls are let in by what was seen of what governs them; the statement says if it changed."""

from django.db import migrations

from prompts.gateway.together_sql import ADMIT


class Migration(migrations.Migration):
    dependencies = [("gateway", "0012_runners")]

    operations = [
        # A migration before this one made it as it was then, or as it is now.
        migrations.RunSQL(
            ADMIT.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"), migrations.RunSQL.noop
        ),
    ]
