"""Sets of calls in one statement."""

from django.db import migrations

from prompts.gateway.together_sql import TOGETHER, TOGETHER_BACK


class Migration(migrations.Migration):
    dependencies = [('gateway', '0008_opinions'), ("chargeback", "0011_together"), ('ledger', '0010_together')]

    operations = [migrations.RunSQL(TOGETHER, TOGETHER_BACK)]
