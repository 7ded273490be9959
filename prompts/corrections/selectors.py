"""Which decisions a person finds, by filters that stand in the address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from governance.access.models import User
from governance.kernel.authority import Permission
from reviews.decisions.models import ReviewDecision
from reviews.decisions.rules import Verdict

VERDICTS = (Verdict.CORRECT, Verdict.APPROVE, Verdict.REJECT)
VERDICT_WORDS = [*(one.value for one in VERDICTS), "any"]
MOST_OFFERED = 200
MAY_SEE = (Permission.CALL_BODY_VIEW, Permission.REVIEW_VIEW, Permission.REVIEW_MANAGE)


@dataclass(frozen=True)
class Wanted:
    """The filters. `verdict` is one of VERDICTS or "any"; days are UTC, both included."""

    use_case: str = ""
    queue: str = ""
    label: str = ""
    verdict: str = Verdict.CORRECT.value
    since: str = ""
    until: str = ""
    prompt_version: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, Any]) -> Wanted:
        """What does not fit any filter is left out."""

        def text(name: str) -> str:
            return str(query.get(name) or "").replace("\x00", "").strip()[:100]

        verdict = text("verdict") or Verdict.CORRECT.value
        known = (*VERDICTS, "any")
        return cls(
            use_case=text("use_case"),
            queue=text("queue"),
            label=text("label"),
            verdict=verdict if verdict in known else Verdict.CORRECT.value,
            since=_day(text("since")),
            until=_day(text("until")),
            prompt_version=text("prompt_version"),
        )

    def as_plain(self) -> dict[str, str]:
        return {name: str(value) for name, value in asdict(self).items()}

    def apply(self, decisions: QuerySet[ReviewDecision]) -> QuerySet[ReviewDecision]:
        asked: dict[str, Any] = {
            "item__call__use_case__slug": self.use_case,
            "item__queue__slug": self.queue,
            "verdict": "" if self.verdict == "any" else self.verdict,
            "labels__contains": [self.label] if self.label else "",
            "item__call__prompt_label": self.prompt_version,
            "at__gte": _begins(self.since),
            "at__lt": _begins(self.until, 1),
        }
        return decisions.filter(**{name: one for name, one in asked.items() if one})


def _day(text: str) -> str:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return ""
    return found.isoformat() if 1970 < found.year < 9000 else ""


def _begins(day: str, later: int = 0) -> datetime | None:
    if not day:
        return None
    return datetime.combine(date.fromisoformat(day) + timedelta(days=later), time(), UTC)


def _in_reach(user: User, permissions: tuple[Permission, ...]) -> Q:
    """Decisions on calls of the person's teams, and in their queues."""
    reaches = [user.reach(one) for one in permissions]
    if any(one.everywhere for one in reaches):
        return Q()
    teams = set().union(*(one.team_ids for one in reaches))
    queues = set().union(*(one.queue_ids for one in reaches))
    return Q(item__call__team_id__in=teams) | Q(item__queue_id__in=queues)


def decisions_visible_to(user: User) -> QuerySet[ReviewDecision]:
    """Final decisions in reach, newest first, with what a list says of them."""
    found = ReviewDecision.objects.filter(_in_reach(user, MAY_SEE), verdict__in=VERDICTS)
    return found.select_related(
        "item__call__use_case", "item__queue", "person", "correction"
    ).defer("rationale", "correction__model_text_sealed", "correction__human_text_sealed")


def readable_by(user: User) -> Q:
    """Those whose texts the person may read."""
    return _in_reach(user, (Permission.CALL_BODY_VIEW,))


def use_cases_offered(user: User) -> list[tuple[str, str]]:
    """(slug, title) of use cases with decisions in reach."""
    return _offered(user, "item__call__use_case__slug", "item__call__use_case__title")


def queues_offered(user: User) -> list[tuple[str, str]]:
    return _offered(user, "item__queue__slug", "item__queue__name")


def _offered(user: User, slug: str, title: str) -> list[tuple[str, str]]:
    found = ReviewDecision.objects.filter(_in_reach(user, MAY_SEE), verdict__in=VERDICTS)
    return list(found.order_by(title).values_list(slug, title).distinct()[:MOST_OFFERED])
