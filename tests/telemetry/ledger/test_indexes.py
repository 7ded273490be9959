"""What every call writes has no index that another one makes needless."""

from __future__ import annotations

import pytest
from django.db import connection

from prompts.gateway.models import AttemptEnd, Bucket, Flight
from telemetry.chargeback.models import Hold
from telemetry.ledger.models import Call, LedgerEntry, Payload

WRITTEN = (Call, LedgerEntry, Payload, Hold, AttemptEnd, Bucket, Flight)
# Of one table: the plain index whose columns another whole one begins with.
COVERED = """
SELECT short.indexrelid::regclass::text
FROM pg_index short JOIN pg_index long USING (indrelid)
WHERE indrelid = %s::regclass AND short.indexrelid <> long.indexrelid
    AND short.indpred IS NULL AND long.indpred IS NULL
    AND NOT short.indisunique
    AND long.indkey::text LIKE short.indkey::text || ' %%'
"""


@pytest.mark.django_db
@pytest.mark.parametrize("model", WRITTEN)
def test_no_index_is_covered_by_another(model: type) -> None:
    with connection.cursor() as cursor:
        cursor.execute(COVERED, [model._meta.db_table])
        assert cursor.fetchall() == []
