from django.db import migrations

from governance.approvals.sql import DECISIONS_STAND, REVERSE


class Migration(migrations.Migration):
    dependencies = [("approvals", "0001_initial")]

    operations = [migrations.RunSQL(DECISIONS_STAND, REVERSE)]
