"""Personal data in text, and its replacement by typed placeholders.

Presidio's pattern recognisers are used one by one, without a language model: loading its analyser
engine would ask for one and multiply the cost of a call. They take seconds to import, so a server
warms them when it starts. Each is asked only where a linear pattern says that it may find
something: the telephone recogniser alone took 10 ms for each KB of text with numbers in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import re2

from governance.policy.one_pass import OnePass
from governance.policy.person_names import PERSON, SCORE, names_in
from governance.policy.without_spacy import without_spacy

LEAST_SCORE = 0.4
# Around a hint, so that a recogniser sees what stands before and after.
MARGIN = 24
NEAR = 60
LONGEST_WINDOW = 1_000
LEAST_PHONE_DIGITS = 7
# The telephone recogniser takes up to 80 ms for each KB of digits. Of a text with more of them
# than this, all that may be a number is replaced without asking: too much rather than too little.
MOST_PHONE_CHARACTERS = 20_000

# Numbers without a country code are read as these countries write them; each costs a pass.
PHONE_REGIONS = ("US", "GB", "DE", "IL", "IN", "BR")
_INTERNATIONAL = "PHONE_NUMBER with its country code"

_SEPARATED_DIGITS = r"\d(?:[ -]?\d){7,}"
# Where a recogniser can find something at all; it decides.
_HINTS = {
    "EMAIL_ADDRESS": r"\S{1,100}@\S{1,200}",
    "PHONE_NUMBER": r"\(?\+?\d[\d\t\x{a0} ().\-/]{5,20}\d",
    "CREDIT_CARD": r"\d(?:[ -]?\d){11,18}",
    "IBAN_CODE": r"(?i)\b[A-Z]{2}\d{2}[ -]?[A-Z0-9]{4}",
    "IP_ADDRESS": r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d|[0-9a-fA-F]{0,4}:[0-9a-fA-F]{0,4}:[0-9a-fA-F:]*",
    "US_SSN": r"\d{3}[ .-]?\d{2}[ .-]?\d{4}",
    "US_ITIN": r"9\d{2}[ -]?\d{2}[ -]?\d{4}",
    "UK_NHS": _SEPARATED_DIGITS,
    "UK_NINO": r"(?i)\b[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b",
    "ES_NIF": r"(?i)\b\d{7,8}-?[A-Z]\b",
    "ES_NIE": r"(?i)\b[XYZ]-?\d{7}-?[A-Z]\b",
    "IT_FISCAL_CODE": r"(?i)\b[A-Z]{6}\d{2}[A-Z]",
    "PL_PESEL": r"\b\d{11}\b",
    "FI_PERSONAL_IDENTITY_CODE": r"(?i)\b\d{6}[A-FU-Y+-]\d{3}",
    "AU_TFN": _SEPARATED_DIGITS,
    "IN_AADHAAR": r"\b\d{4}[- :]?\d{4}[- :]?\d{4}\b",
    "IN_PAN": r"(?i)\b[A-Z]{5}\d{4}[A-Z]\b",
    "SG_NRIC_FIN": r"(?i)\b[STFGM]\d{7}[A-Z]\b",
}
# Ten digits keep a check digit by chance once in eleven: these count only beside such a word.
_NEAR_WORDS = {
    "US_ITIN": ("itin", "taxpayer", "tax id"),
    "UK_NHS": ("nhs", "national health", "health service"),
    "PL_PESEL": ("pesel",),
    "AU_TFN": ("tfn", "tax file"),
    "IN_AADHAAR": ("aadhaar", "uidai"),
    "IN_PAN": ("pan", "permanent account", "income tax"),
}
# Four numbers with points after such a word count something else.
_NOT_AFTER = {
    "IP_ADDRESS": re2.compile(r"(?i)\b(?:version|release|build|room|section|chapter) v?$")
}
# A year and a number are how invoices, cases and tickets are filed, unless somebody is to be called.
_FILED = re2.compile(r"(?:19|20)\d\d[-/.]\d{3,7}")
_CALLING = ("call", "phone", "tel", "fax", "mobil", "dial", "ring ", "whatsapp", "handy", "sms")


@dataclass(frozen=True)
class Found:
    """A stretch of personal data of one type."""

    entity: str
    start: int
    end: int
    score: float


class OwnRecognisers(Protocol):
    """Governed recognisers; see matching.py."""

    def personal_data(self, text: str) -> Iterator[tuple[str, int, int]]: ...


@cache
def recognisers() -> dict[str, Any]:
    """Entity type → recogniser; imported on first use."""
    with without_spacy():
        import tldextract
        from presidio_analyzer import predefined_recognizers as known

    # Presidio would ask the network for the list of public suffixes; ours is the packaged one.
    offline = tldextract.TLDExtract(suffix_list_urls=())

    class OfflineEmailRecognizer(known.EmailRecognizer):
        def validate_result(self, pattern_text: str) -> bool:
            return bool(offline(pattern_text).suffix)

    class CheckedPeselRecognizer(known.PlPeselRecognizer):
        def validate_result(self, pattern_text: str) -> bool:
            return keeps_pesel_check(pattern_text)

    made = (
        OfflineEmailRecognizer(),
        known.PhoneRecognizer(supported_regions=PHONE_REGIONS),
        known.CreditCardRecognizer(),
        known.IbanRecognizer(),
        known.IpRecognizer(),
        known.UsSsnRecognizer(),
        known.UsItinRecognizer(),
        known.NhsRecognizer(),
        known.UkNinoRecognizer(),
        known.EsNifRecognizer(),
        known.EsNieRecognizer(),
        known.ItFiscalCodeRecognizer(),
        CheckedPeselRecognizer(),
        known.FiPersonalIdentityCodeRecognizer(),
        known.AuTfnRecognizer(),
        known.InAadhaarRecognizer(),
        known.InPanRecognizer(),
        known.SgFinRecognizer(),
    )
    found = {recogniser.supported_entities[0]: recogniser for recogniser in made}
    # A number with its country code reads the same from everywhere: one region is enough.
    return found | {_INTERNATIONAL: known.PhoneRecognizer(supported_regions=PHONE_REGIONS[:1])}


def keeps_pesel_check(number: str) -> bool:
    """Ten weighted digits and the eleventh are a multiple of ten (Polish act on the register of
    inhabitants); Presidio 2.2 compares with the sum's last digit, which real numbers do not keep.
    """
    weights = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)
    return sum(int(digit) * weight for digit, weight in zip(number, weights)) % 10 == 0


@cache
def _hint(entity: str) -> Any:
    return re2.compile(_HINTS[entity])


@cache
def _hints() -> OnePass[str]:
    return OnePass(_HINTS)


def find_personal_data(
    text: str, entities: Iterable[str], own: OwnRecognisers | None = None
) -> list[Found]:
    """Stretches in order, without overlaps: the surest, then the longest wins."""
    hinted = _hints().may_find(text)
    asked = (one for one in entities if one == PERSON or one in hinted)
    hits = [hit for entity in asked for hit in _hits(text, entity)]
    if own is not None:
        hits += [Found(entity, start, end, 1.0) for entity, start, end in own.personal_data(text)]
    hits.sort(key=lambda hit: (-hit.score, hit.start - hit.end))
    return sorted(_apart(hits), key=lambda hit: hit.start)


def _apart(hits: Iterable[Found]) -> list[Found]:
    taken: set[int] = set()
    chosen: list[Found] = []
    for hit in hits:
        places = range(hit.start, hit.end)
        if taken.isdisjoint(places):
            taken.update(places)
            chosen.append(hit)
    return chosen


def _hits(text: str, entity: str) -> Iterator[Found]:
    """What the built-in recogniser of that type is sure enough of."""
    if entity == PERSON:
        yield from (Found(PERSON, start, end, SCORE) for start, end in names_in(text))
        return
    asked = 0
    for window in _windows(text, entity):
        asked += window.end - window.start
        if entity == "PHONE_NUMBER" and asked > MOST_PHONE_CHARACTERS:
            yield from _unasked(text, entity, window)
            continue
        start, stretch = window.start, text[window.start : window.end]
        for hit in recognisers()[window.recogniser].analyze(stretch, [entity], None) or []:
            found = Found(entity, start + hit.start, start + hit.end, hit.score)
            if hit.score >= LEAST_SCORE and _is_near_its_word(text, found):
                yield found


def _unasked(text: str, entity: str, window: _Window) -> Iterator[Found]:
    """All in the window that may be a number."""
    for hint in _hint(entity).finditer(text[window.start : window.end]):
        if _may_be_phone(hint[0]):
            start, end = hint.span()
            yield Found(entity, window.start + start, window.start + end, LEAST_SCORE)


@dataclass
class _Window:
    """A stretch round hints that lie close together, and who is asked about it."""

    start: int
    end: int
    recogniser: str


def _windows(text: str, entity: str) -> Iterator[_Window]:
    window: _Window | None = None
    for hint in _hint(entity).finditer(text):
        is_phone = entity == "PHONE_NUMBER"
        if is_phone and not _may_be_phone(hint[0]):
            continue
        has_country = is_phone and hint[0].lstrip("(").startswith("+")
        asked = _INTERNATIONAL if has_country else entity
        start, end = max(0, hint.start() - MARGIN), min(len(text), hint.end() + MARGIN)
        is_long = window is not None and window.end - window.start > LONGEST_WINDOW
        if window is not None and start <= window.end and not is_long:
            window.end = end
            window.recogniser = asked if window.recogniser == asked else entity
            continue
        if window is not None:
            yield window
        window = _Window(start, end, asked)
    if window is not None:
        yield window


def _may_be_phone(text: str) -> bool:
    """More digits than one number has may be two numbers side by side."""
    return sum(map(str.isdigit, text)) >= LEAST_PHONE_DIGITS


def _is_near_its_word(text: str, found: Found) -> bool:
    """And not after a word that says it is something else."""
    other = _NOT_AFTER.get(found.entity)
    if other is not None and other.search(text[max(0, found.start - MARGIN) : found.start]):
        return False
    words = _NEAR_WORDS.get(found.entity)
    if found.entity == "PHONE_NUMBER" and _FILED.fullmatch(text[found.start : found.end]):
        words = _CALLING
    around = text[max(0, found.start - NEAR) : found.end + NEAR].casefold() if words else ""
    return not words or any(one in around for one in words)


class Redactor:
    """Replaces personal data by typed placeholders, the same value by the same one."""

    def __init__(self, entities: Iterable[str], own: OwnRecognisers | None = None) -> None:
        self.entities = tuple(entities)
        self.own = own
        self.counts: Counter[str] = Counter()
        self.placeholders: dict[str, str] = {}
        self._known: dict[tuple[str, str], str] = {}
        self._numbers: Counter[str] = Counter()

    def redact(self, text: str) -> str:
        parts, position = [], 0
        for found in find_personal_data(text, self.entities, self.own):
            parts.append(text[position : found.start])
            parts.append(self._placeholder(found.entity, text[found.start : found.end]))
            position = found.end
        return "".join([*parts, text[position:]])

    def _placeholder(self, entity: str, value: str) -> str:
        self.counts[entity] += 1
        name = self._known.get((entity, value))
        if name is None:
            self._numbers[entity] += 1
            name = f"<{entity}_{self._numbers[entity]}>"
            self._known[(entity, value)] = name
            self.placeholders[name] = value
        return name
