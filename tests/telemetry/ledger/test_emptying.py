"""What a test committed goes after it, from tables that never let a row go too; they stay so."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from tests.factories.emptying import INSTALLED, empty
from tests.factories.kept import all_tables, with_rows
from tests.factories.ledger import make_settled


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sql", ["DELETE FROM ledger_ledgerentry", "TRUNCATE ledger_ledgerentry"])
def test_all_goes_and_the_guards_stay(sql: str) -> None:
    make_settled()
    empty()
    assert set(with_rows(all_tables())) == INSTALLED
    make_settled()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
