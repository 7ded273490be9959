from django.db import migrations

from reviews.decisions.sql import INSERT_ONLY, WRITABLE_AGAIN


class Migration(migrations.Migration):
    dependencies = [("decisions", "0002_initial")]

    operations = [migrations.RunSQL(INSERT_ONLY, WRITABLE_AGAIN)]
