from django.db import migrations

from governance.approvals.sql import POLICY_VERSIONS_REVERSE, POLICY_VERSIONS_STAND


class Migration(migrations.Migration):
    dependencies = [("approvals", "0006_policy_of_policies")]

    operations = [migrations.RunSQL(POLICY_VERSIONS_STAND, POLICY_VERSIONS_REVERSE)]
