from django.db import migrations

from governance.audit.sql import INSERT_ONLY, WRITABLE_AGAIN


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunSQL(INSERT_ONLY, WRITABLE_AGAIN)]
