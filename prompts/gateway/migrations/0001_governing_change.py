import django.db.models.functions.datetime
from django.db import migrations, models

from prompts.gateway.sql import FORGET_CHANGES, NOTE_CHANGES


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("access", "0002_key_form_tokens"),
        ("approvals", "0001_initial"),
        ("catalogue", "0001_initial"),
        ("model_cards", "0001_initial"),
        ("registry", "0001_initial"),
        ("releases", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="GoverningChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={"ordering": ["pk"]},
        ),
        migrations.RunSQL(NOTE_CHANGES, FORGET_CHANGES),
    ]
