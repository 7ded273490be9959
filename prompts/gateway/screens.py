"""What is looked for in text: personal data, attempts to take over, secrets.

Presidio's pattern recognisers are used one by one, without a language model. They take
seconds to import, so a server warms them when it starts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

LEAST_SCORE = 0.4

INJECTIONS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "ignore_instructions",
        re.compile(
            r"\b(?:ignore|disregard|forget)\s+(?:all\s+|any\s+)?(?:the\s+|your\s+)?"
            r"(?:previous|prior|above|earlier)\s+(?:instructions|rules|prompts?)",
            re.IGNORECASE,
        ),
    ),
    (
        "reveal_prompt",
        re.compile(
            r"\b(?:reveal|print|repeat|show)\s+(?:me\s+)?(?:your|the)\s+(?:system|hidden)\s+prompt",
            re.IGNORECASE,
        ),
    ),
    ("role_marker", re.compile(r"<\|(?:im_start|im_end|system|endoftext)\|>")),
)
SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bsk-[A-Za-z0-9_-]{20,}|\bAKIA[0-9A-Z]{16}\b"
    r"|\bplc_[a-z0-9]{8}_[A-Za-z0-9_-]{20,}"
)
PLACEHOLDER = re.compile(r"<[A-Z_]+_\d+>")


@dataclass(frozen=True)
class Found:
    """A stretch of personal data of one type."""

    entity: str
    start: int
    end: int
    score: float


@cache
def recognisers() -> dict[str, Any]:
    """Entity type → recogniser; imported on first use."""
    import tldextract
    from presidio_analyzer import predefined_recognizers as known

    # Presidio would ask the network for the list of public suffixes; ours is the packaged one.
    offline = tldextract.TLDExtract(suffix_list_urls=())

    class OfflineEmailRecognizer(known.EmailRecognizer):
        def validate_result(self, pattern_text: str) -> bool:
            return bool(offline(pattern_text).suffix)

    made = (
        OfflineEmailRecognizer(),
        known.PhoneRecognizer(),
        known.CreditCardRecognizer(),
        known.IbanRecognizer(),
        known.IpRecognizer(),
        known.UsSsnRecognizer(),
    )
    return {recogniser.supported_entities[0]: recogniser for recogniser in made}


def find_personal_data(text: str, entities: Iterable[str]) -> list[Found]:
    """Stretches in order, without overlaps: the surest, then the longest wins."""
    hits = []
    for entity in entities:
        for hit in recognisers()[entity].analyze(text, [entity], None) or []:
            if hit.score >= LEAST_SCORE:
                hits.append(Found(entity, hit.start, hit.end, hit.score))
    hits.sort(key=lambda hit: (-hit.score, hit.start - hit.end))
    chosen: list[Found] = []
    for hit in hits:
        if all(hit.end <= one.start or hit.start >= one.end for one in chosen):
            chosen.append(hit)
    return sorted(chosen, key=lambda hit: hit.start)


class Redactor:
    """Replaces personal data by typed placeholders, the same value by the same one."""

    def __init__(self, entities: Iterable[str]) -> None:
        self.entities = tuple(entities)
        self.counts: Counter[str] = Counter()
        self.placeholders: dict[str, str] = {}
        self._known: dict[tuple[str, str], str] = {}

    def redact(self, text: str) -> str:
        parts, position = [], 0
        for found in find_personal_data(text, self.entities):
            parts.append(text[position : found.start])
            parts.append(self._placeholder(found.entity, text[found.start : found.end]))
            position = found.end
        return "".join([*parts, text[position:]])

    def _placeholder(self, entity: str, value: str) -> str:
        self.counts[entity] += 1
        name = self._known.get((entity, value))
        if name is None:
            number = 1 + sum(1 for known, _ in self._known if known == entity)
            name = f"<{entity}_{number}>"
            self._known[(entity, value)] = name
            self.placeholders[name] = value
        return name


def injections_in(text: str) -> list[str]:
    """Names of the rules that match."""
    return [name for name, pattern in INJECTIONS if pattern.search(text)]


def restored(text: str, placeholders: dict[str, str]) -> str:
    """The text with the original values back in the place of their placeholders."""
    return PLACEHOLDER.sub(lambda found: placeholders.get(found[0], found[0]), text)
