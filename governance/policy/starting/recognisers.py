"""Personal data that the built-in recognisers do not know. Pure."""

from __future__ import annotations

from governance.policy.rule_content import Rule
from governance.policy.starting.shapes import Tested

NUMBERS = [
    Tested(
        Rule(
            "de_tax_id",
            "German tax number of a person",
            r"\b[1-9]\d ?\d{3} ?\d{3} ?\d{3}\b",
            reads=("user",),
            near=("steuer", "idnr", "tax id", "tin"),
            raises_to="regulated",
            category="LLM02",
        ),
        ["Meine Steuer-ID ist 86 095 742 719."],
    ),
    Tested(
        Rule(
            "fr_social_number",
            "French social security number",
            r"\b[12] ?\d{2} ?(?:0[1-9]|1[0-2]) ?(?:\d{2}|2[ab]) ?\d{3} ?\d{3}(?: ?\d{2})?\b",
            reads=("user",),
            near=("sécu", "secu", "nir", "insee", "social"),
            raises_to="regulated",
            category="LLM02",
        ),
        ["Numéro de sécu : 1 85 05 78 006 084 36"],
    ),
]
