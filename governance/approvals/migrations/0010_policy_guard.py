from django.db import migrations

from governance.approvals.sql import POLICY_NEEDS_CHANGE, POLICY_NEEDS_CHANGE_REVERSE


class Migration(migrations.Migration):
    dependencies = [("approvals", "0009_policies_of_new_kinds")]

    operations = [migrations.RunSQL(POLICY_NEEDS_CHANGE, POLICY_NEEDS_CHANGE_REVERSE)]
