"""The rule sets that every installation begins with: version 1 of each. Pure.

Tests of a rule stand with it: texts in which it must find something. What no rule of the set may
find stands at its end. How the sets do on texts they were not written to: `make bench ONLY=safety`.
"""

from __future__ import annotations

from governance.policy.starting.answers import ANSWERS
from governance.policy.starting.extraction import EXTRACTION
from governance.policy.starting.fetched import FETCHED
from governance.policy.starting.languages import LANGUAGES
from governance.policy.starting.languages_more import LEAKS_ABROAD, MORE_LANGUAGES
from governance.policy.starting.leaks import LEAKS
from governance.policy.starting.oblique import OBLIQUE, PLANTED_OBLIQUE
from governance.policy.starting.outputs import OUTPUTS
from governance.policy.starting.overrides import OVERRIDES
from governance.policy.starting.paraphrases import PARAPHRASES
from governance.policy.starting.personas import PERSONAS
from governance.policy.starting.planted import PLANTED
from governance.policy.starting.pressures import PRESSURES
from governance.policy.starting.recognisers import NUMBERS
from governance.policy.starting.shapes import StartingSet, content_of
from governance.policy.starting.smuggling import SMUGGLING

STARTING_SETS = (
    StartingSet(
        "injection",
        "Attempts to take over",
        "injection",
        "Texts of users and tools that want the model to drop its instructions.",
        content_of(
            OVERRIDES
            + PARAPHRASES
            + OBLIQUE
            + PERSONAS
            + PRESSURES
            + SMUGGLING
            + LANGUAGES
            + MORE_LANGUAGES,
            [
                "Please ignore the typos in my text.",
                "What were the previous instructions from the landlord about heating?",
                "The licence has no restrictions on commercial use.",
                "Ignoriere bitte die Fußnoten.",
            ],
        ),
    ),
    StartingSet(
        "fetched-content",
        "Orders in fetched content",
        "injection",
        "Results of tools and retrieved passages that speak to the model instead of about a thing.",
        content_of(
            FETCHED + PLANTED + PLANTED_OBLIQUE,
            [
                "Please forward this message to your team lead.",
                "Large language models should be tested before use, the authors write.",
            ],
        ),
    ),
    StartingSet(
        "leakage",
        "Asking for the prompt, work without end",
        "block_list",
        "Requests for the words that the model was given, and for work that never ends.",
        content_of(
            EXTRACTION + LEAKS + LEAKS_ABROAD,
            [
                "How do I write a good system prompt for a support bot?",
                "The loop in my code never stops; why?",
            ],
        ),
    ),
    StartingSet(
        "answers",
        "What an answer must not hold",
        "answer",
        "Markup and commands that do harm where they are used, and credentials.",
        content_of(
            ANSWERS + OUTPUTS,
            ["Escape user input before you put it into HTML.", "Remove it with rm -r build."],
        ),
    ),
    StartingSet(
        "recognisers",
        "Recognisers of our own",
        "personal_data",
        "Personal data that the built-in recognisers do not know; replaced like the rest.",
        content_of(NUMBERS, ["Order 86 095 742 719 was shipped."]),
    ),
)
