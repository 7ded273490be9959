"""Names of persons, found by a language model of spaCy's where one is installed. Pure.

Which packages are there is asked, nothing is ever fetched: without one no name is found, and all
else stays as it is. A model is loaded once, with no more of its parts than finding names takes.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from functools import cache
from typing import Any

PERSON = "PERSON"
# Of each language the largest that is there; spaCy's own names for its packages.
PACKAGES = {
    language: tuple(f"{stem}_{size}" for size in ("lg", "md", "sm"))
    for language, stem in {
        "Dutch": "nl_core_news",
        "English": "en_core_web",
        "French": "fr_core_news",
        "German": "de_core_news",
        "Italian": "it_core_news",
        "Polish": "pl_core_news",
        "Portuguese": "pt_core_news",
        "Spanish": "es_core_news",
    }.items()
} | {"many languages": ("xx_ent_wiki_sm",)}
LABELS = frozenset({"PERSON", "PER", "persName"})
# What names do not need.
LEFT_OUT = ["parser", "lemmatizer", "attribute_ruler", "tagger", "morphologizer", "senter"]
# Longer texts are read in stretches, which bounds the memory that a model takes.
STRETCH = 50_000
SCORE = 0.6


@cache
def installed() -> dict[str, str]:
    """Language → package, of those that can be imported."""
    if importlib.util.find_spec("spacy") is None:
        return {}
    there = {
        language: next((one for one in names if importlib.util.find_spec(one)), "")
        for language, names in PACKAGES.items()
    }
    return {language: name for language, name in there.items() if name}


@cache
def _models() -> tuple[Any, ...]:
    """Those of the installed packages that load; `exclude` is asked of spaCy's `load`."""
    return tuple(
        importlib.import_module(name).load(exclude=LEFT_OUT) for name in installed().values()
    )


def names_in(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every name of a person that an installed model sees."""
    if not installed():
        return
    for start in range(0, len(text), STRETCH):
        stretch = text[start : start + STRETCH]
        for model in _models():
            for one in model(stretch).ents:
                if one.label_ in LABELS and not one.text.startswith("<"):
                    yield start + one.start_char, start + one.end_char


def forget() -> None:
    """Look again which packages are there."""
    installed.cache_clear()
    _models.cache_clear()
