"""The frameworks by their slug. Each has a file of its own with its controls."""

from __future__ import annotations

from governance.compliance.eu_ai_act import EU_AI_ACT
from governance.compliance.iso_42001 import ISO_42001
from governance.compliance.nist_ai_rmf import NIST_AI_RMF
from governance.compliance.owasp_llm import OWASP_LLM
from governance.compliance.rules import Framework

FRAMEWORKS: dict[str, Framework] = {
    one.slug: one for one in (EU_AI_ACT, NIST_AI_RMF, ISO_42001, OWASP_LLM)
}

# Asked for by controls, kept nowhere in this product: they stay gaps until an action closes them.
NOT_RECORDED: dict[str, str] = {}
