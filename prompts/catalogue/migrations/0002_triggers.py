from django.db import migrations

from prompts.catalogue.sql import INSERT_ONLY, WRITABLE_AGAIN


class Migration(migrations.Migration):
    dependencies = [("catalogue", "0001_initial")]

    operations = [migrations.RunSQL(INSERT_ONLY, WRITABLE_AGAIN)]
