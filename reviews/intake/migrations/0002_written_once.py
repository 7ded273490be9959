from django.db import migrations

from reviews.intake.sql import INSERT_ONLY, WRITABLE_AGAIN


class Migration(migrations.Migration):
    dependencies = [("intake", "0001_initial")]

    operations = [migrations.RunSQL(INSERT_ONLY, WRITABLE_AGAIN)]
