"""Versions of intake rules, and what they took, are written once."""

from governance.audit.sql import REFUSE_FUNCTION, insert_only, writable_again

TABLES = ("intake_intakeruleversion", "intake_intake")
INSERT_ONLY = REFUSE_FUNCTION + "".join(insert_only(table) for table in TABLES)
WRITABLE_AGAIN = "".join(writable_again(table) for table in TABLES)
