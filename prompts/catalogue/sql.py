"""A prompt version is written once."""

from governance.audit.sql import REFUSE_FUNCTION, insert_only, writable_again

INSERT_ONLY = REFUSE_FUNCTION + insert_only("catalogue_promptversion")
WRITABLE_AGAIN = writable_again("catalogue_promptversion")
