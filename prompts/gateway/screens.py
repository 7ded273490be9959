"""What is looked for in the text of a call: personal data, attempts to take over, secrets.

The rules are governed (governance/policy); here stands what no version can take away.
"""

from __future__ import annotations

import re

import re2

from governance.policy.personal_data import Found, Redactor, find_personal_data, recognisers

__all__ = ["PLACEHOLDER", "SECRETS", "Found", "Redactor", "find_personal_data", "recognisers"]
SECRETS = re2.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bsk-[A-Za-z0-9_-]{20,}|\bAKIA[0-9A-Z]{16}\b"
    r"|\bplc_[a-z0-9]{8}_[A-Za-z0-9_-]{20,}|\bgh[pousr]_[A-Za-z0-9]{30,}|\bxox[abprs]-[\w-]{20,}"
    r"|\bAIza[\w-]{30,}|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"
)
PLACEHOLDER = re.compile(r"<[A-Z][A-Z0-9_]*_\d+>")
_ADDRESS_OR_PLACEHOLDER = re.compile(rf"(?i:https?://)\S*|{PLACEHOLDER.pattern}")
_BEGUN = re.compile(r"<[A-Z0-9_]{0,80}$")


def restored(text: str, placeholders: dict[str, str]) -> str:
    """The text with the original values back in the place of their placeholders.

    Not inside a web address: what an injected text lets the model write there would be carried
    away by whoever shows the answer.
    """
    return _ADDRESS_OR_PLACEHOLDER.sub(lambda found: placeholders.get(found[0], found[0]), text)


def whole_end(text: str, end: int) -> int:
    """The last place up to `end` that is in no placeholder which has begun there."""
    begun = _BEGUN.search(text, max(0, end - 100), end)
    return begun.start() if begun else end
