from django.db import migrations

from reviews.queues.sql import FIRST_GUIDELINES, INSERT_ONLY, PROMISES, WRITABLE_AGAIN


class Migration(migrations.Migration):
    dependencies = [('queues', '0004_service')]

    operations = [
        migrations.RunSQL(PROMISES, migrations.RunSQL.noop),
        migrations.RunSQL(FIRST_GUIDELINES, migrations.RunSQL.noop),
        migrations.RunSQL(INSERT_ONLY, WRITABLE_AGAIN),
    ]
