"""A process that runs calls holds a lock for as long as it lives: its places are free at once."""

from django.db import migrations, models

from prompts.gateway.runner_sql import FREE_DEAD, FREE_GONE, LOCK_OF, LOCK_OF_BACK


class Migration(migrations.Migration):
    dependencies = [("gateway", "0013_seen")]

    operations = [
        migrations.AddField(
            model_name="runner",
            name="holds_lock",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.RunSQL(LOCK_OF, LOCK_OF_BACK),
        migrations.RunSQL(
            FREE_GONE, FREE_DEAD.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
        ),
    ]
