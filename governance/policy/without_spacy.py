"""Presidio without spaCy. Pure.

Its package imports spaCy for analysers that ask language models; its pattern recognisers, the
only part that is used here, ask none. spaCy takes three fifths of the processor time of a
process's start and half its memory, so something that does nothing stands in for it meanwhile.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from governance.policy.person_names import installed

NAMES = ("spacy", "spacy.language", "spacy.tokens", "spacy.util")


class _Nothing(ModuleType):
    """Whatever is taken from it, and whatever that is called with, is nothing again."""

    __path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *values: Any, **named: Any) -> Any:
        return self


@contextmanager
def without_spacy() -> Iterator[None]:
    """While it lasts `import spacy` gives nothing; where it is there or asked for, it stays."""
    if "spacy" in sys.modules or installed():
        yield
        return
    sys.modules.update({name: _Nothing(name) for name in NAMES})
    try:
        yield
    finally:
        for name in NAMES:
            del sys.modules[name]
