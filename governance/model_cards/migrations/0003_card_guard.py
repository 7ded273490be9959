from django.db import migrations

from governance.model_cards.sql import CARD_NEEDS_APPROVAL, REVERSE


class Migration(migrations.Migration):
    dependencies = [("approvals", "0007_policy_versions_stand"), ("model_cards", "0002_vendors")]

    operations = [migrations.RunSQL(CARD_NEEDS_APPROVAL, REVERSE)]
