"""Processes that run calls say that they live; their places are free when they are missed."""

from django.db import migrations, models

from prompts.gateway.runner_sql import FREE_DEAD, FREE_DEAD_BACK
from prompts.gateway.steady_sql import ENTER
from prompts.gateway.together_sql import ENTER as ENTER_TOGETHER


def again(statement: str) -> str:
    """A migration before this one made it as it was then, or as it is now."""
    return statement.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


class Migration(migrations.Migration):
    dependencies = [("gateway", "0011_fewer_indexes")]

    operations = [
        migrations.CreateModel(
            name="Runner",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("seen_at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="flight", name="runner_id", field=models.UUIDField(null=True)
        ),
        migrations.RunSQL(FREE_DEAD, FREE_DEAD_BACK),
        migrations.RunSQL(again(ENTER), migrations.RunSQL.noop),
        migrations.RunSQL(again(ENTER_TOGETHER), migrations.RunSQL.noop),
    ]
