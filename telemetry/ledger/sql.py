"""Triggers of the ledger: money lines and seals are inserted, and that is all."""

from governance.audit.sql import REFUSE_FUNCTION, insert_only, writable_again

TABLES = ("ledger_ledgerentry", "ledger_ledgerseal")
INSERT_ONLY = REFUSE_FUNCTION + "".join(insert_only(table) for table in TABLES)
WRITABLE_AGAIN = "".join(writable_again(table) for table in TABLES)
