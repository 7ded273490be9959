"""Words that rules of several families share. A pattern has 1,000 characters, so they are few. Pure."""

from __future__ import annotations

# To do away with, in every form of the verb.
LEAVE = (
    r"(?:(?:ignor|disregard|forget|neglect|overlook|abandon|discard|dismiss|nullif|overrid|overrul|bypass|circumvent)\w*|"
    r"(?:set|put|lay|leav\w+|cast|push) (?:aside|behind)|let go of|ditch|dump|shed|drop|annul|erase|wipe|purge|unlearn|"
    r"sidestep|do away with|get rid of|(?:stop|quit|cease) (?:obey|follow|apply|heed)ing)"
)
# What binds a model.
BINDS = (
    r"(?:instruct\w+|rules?|guid(?:eline|ance)\w*|directi\w+|orders|constraint\w*|restrict\w+|limit\w*|programming|training|"
    r"alignment|safety \w+|polic(?:y|ies)|(?:system )?prompts?|persona|protocols?|safeguards?|guard ?rails?|filters?)"
)
# A model, as those who write to it call it.
MACHINE = (
    r"(?:ai|llm|\w*gpt\w*|claude|gemini|copilot|(?:language )?model|\w*bot|assistant|"
    r"agent|intelligence|persona|alter ego|twin|self|mode)"
)
LIMITS = (
    r"(?:(?:restriction|limit|filter|constraint|guideline|guard ?rail|boundar|inhibition|safeguard|scruple|moral|ethic|censor)\w*|"
    r"rules|(?:content )?polic(?:y|ies))"
)
# What a model was told before anybody wrote to it.
PROMPT = (
    r"(?:(?:your|the|its|any|all|full|complete|entire|exact)\s+(?:\w+ )?(?:(?:system|initial|hidden|original|starting|secret|developer|underlying|confidential)[- ]"
    r"(?:system )?(?:prompts?|instructions?|directives?|preamble)|(?:system|developer|hidden) (?:message|context|guidelines)|instruction set)|"
    r"your (?:\w+ ){0,2}?(?:prompt|instructions|directives|guidelines|preamble|briefing|configuration)|hidden instructions)"
)
