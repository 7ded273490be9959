"""What the gateway puts into the shell, and what it points out to reviewers."""

from __future__ import annotations

from collections.abc import Iterator

from governance.home.registries import NavigationItem, navigation
from governance.kernel.authority import Permission
from governance.policy.rules import PERSONAL
from prompts.gateway import screens
from reviews.decisions.marking import Mark
from reviews.decisions.registries import answer_marks

navigation.add(
    "try",
    NavigationItem("Build", "Try it", "gateway:try", "play", (Permission.CALL_TRY,), 20),
)


def screened(text: str) -> Iterator[Mark]:
    """Where the output screens find what they note: the findings of a call hold no positions."""
    for found in screens.PLACEHOLDER.finditer(text):
        yield Mark(found.start(), found.end(), "placeholder")
    for found in screens.SECRETS.finditer(text):
        yield Mark(found.start(), found.end(), "like a credential")
    for personal in screens.find_personal_data(text, PERSONAL):
        label = personal.entity.lower().replace("_", " ")
        yield Mark(personal.start, personal.end, label)


answer_marks.add("output screens", screened)
