from django.db import migrations

from telemetry.chargeback import sql


class Migration(migrations.Migration):

    dependencies = [('chargeback', '0005_closing')]

    operations = [migrations.RunSQL(sql.VERSIONS_OF_CLOSED, migrations.RunSQL.noop)]
