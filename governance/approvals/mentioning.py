"""Who is told when a comment names them: only people who may see the change."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models.functions import Lower

from governance.access.models import User
from governance.approvals.mentions import Mention, mentions_in
from governance.approvals.models import ChangeRequest


@dataclass(frozen=True)
class Told:
    """Who was found, and what was said that names nobody who may see the change."""

    people: tuple[User, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What the writer is told. It never says whether somebody has an account."""
        told = ", ".join(person.name for person in self.people)
        parts = [f"Told: {told}."] if told else []
        if self.unknown:
            names = ", ".join(f"@{one}" for one in self.unknown)
            parts.append(
                f"Nobody was told for {names}: no one person of that name or address can see "
                "this change. Use the e-mail address, or ask an administrator for access."
            )
        return " ".join(parts)


def people_mentioned(text: str, change: ChangeRequest, writer: User) -> Told:
    """The people that the text names; who may not see the change is as unknown as a stranger."""
    mentions = mentions_in(text)
    if not mentions:
        return Told()
    known = _known(mentions)
    sees: dict[int, bool] = {}
    people: dict[int, User] = {}
    unknown: list[str] = []
    for mention in mentions:
        found = _meant(mention, known, change, sees)
        if found is None:
            unknown.append(mention.said)
        elif found.pk != writer.pk:
            people[found.pk] = found
    return Told(tuple(people.values()), tuple(unknown))


def _known(mentions: list[Mention]) -> dict[str, list[User]]:
    """Active people by address and by name, in lower case."""
    words = {word.lower() for one in mentions for word in (one.address, *one.names) if word}
    by_word: dict[str, list[User]] = {}
    named = User.objects.filter(is_active=True).annotate(
        lower_name=Lower("name"), lower_email=Lower("email")
    )
    for person in named.filter(lower_name__in=words) | named.filter(lower_email__in=words):
        for word in {person.name.lower(), person.email.lower()}:
            by_word.setdefault(word, []).append(person)
    return by_word


def _meant(
    mention: Mention,
    known: dict[str, list[User]],
    change: ChangeRequest,
    sees: dict[int, bool],
) -> User | None:
    """The one person meant; None for nobody, or for two of the same name."""
    for word in (mention.address, *mention.names):
        found = [one for one in known.get(word.lower(), []) if _may_see(one, change, sees)]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _may_see(person: User, change: ChangeRequest, sees: dict[int, bool]) -> bool:
    if person.pk not in sees:
        visible = ChangeRequest.objects.visible_to(person)
        sees[person.pk] = visible.filter(pk=change.pk).exists()
    return sees[person.pk]
