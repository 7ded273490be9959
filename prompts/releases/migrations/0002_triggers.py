from django.db import migrations

from prompts.releases.sql import RELEASE_NEEDS_APPROVAL, REVERSE


class Migration(migrations.Migration):
    dependencies = [("releases", "0001_initial")]

    operations = [migrations.RunSQL(RELEASE_NEEDS_APPROVAL, REVERSE)]
