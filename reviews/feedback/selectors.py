"""Reads of feedback that pages, API and exports share. Constant numbers of queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import TruncWeek

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.registry.models import UseCase
from reviews.feedback.models import Feedback, FeedbackQuerySet, FeedbackRuleVersion
from reviews.feedback.rules import FeedbackState, Thumb

MAY_SEE = (Permission.REVIEW_VIEW, Permission.REVIEW_MANAGE)
MOST_OFFERED = 200
MOST_WEEKS = 53


def newest_versions() -> QuerySet[FeedbackRuleVersion]:
    """The last version of every rule, active or not, in the order in which they are asked."""
    last = FeedbackRuleVersion.objects.filter(rule=OuterRef("rule")).order_by("-number")
    found = FeedbackRuleVersion.objects.filter(pk=Subquery(last.values("pk")[:1]))
    return found.select_related("rule", "queue").order_by("position", "rule__slug")


def active_versions() -> QuerySet[FeedbackRuleVersion]:
    return newest_versions().filter(is_active=True)


@dataclass(frozen=True)
class Wanted:
    """The filters of a list; days are UTC, both included. `has`: text, correction or nothing."""

    use_case: str = ""
    thumb: str = ""
    state: str = ""
    has: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, Any]) -> Wanted:
        """What does not fit any filter is left out."""

        def one_of(name: str, known: Any) -> str:
            value = str(query.get(name) or "")
            return value if value in known else ""

        slug = str(query.get("use_case") or "").replace("\x00", "").strip()[:100]
        return cls(
            use_case=slug,
            thumb=one_of("thumb", set(Thumb)),
            state=one_of("state", set(FeedbackState)),
            has=one_of("has", {"text", "correction"}),
            since=_day(query.get("since")),
            until=_day(query.get("until")),
        )

    def as_query(self) -> str:
        return urlencode({name: one for name, one in asdict(self).items() if one})

    def apply(self, found: FeedbackQuerySet) -> FeedbackQuerySet:
        asked: dict[str, Any] = {
            "use_case__slug": self.use_case,
            "thumb": self.thumb,
            "state": self.state,
            f"has_{self.has or 'text'}": bool(self.has),
            "given_at__gte": _begins(self.since),
            "given_at__lt": _begins(self.until, 1),
        }
        return found.filter(**{name: one for name, one in asked.items() if one})


def _day(value: Any) -> str:
    try:
        found = date.fromisoformat(str(value or ""))
    except ValueError:
        return ""
    return found.isoformat() if 1970 < found.year < 9000 else ""


def _begins(day: str, later: int = 0) -> datetime | None:
    if not day:
        return None
    return datetime.combine(date.fromisoformat(day) + timedelta(days=later), time(), UTC)


def feedback_visible_to(user: User) -> FeedbackQuerySet:
    """Newest first, with what a list says of it; no texts."""
    found = Feedback.objects.visible_to(user).select_related(
        "use_case", "call", "item__queue", "taken_by__rule", "person", "api_key"
    )
    return found.defer("text_sealed", "correction_sealed").order_by("-given_at", "-pk")


@dataclass(frozen=True)
class Tally:
    """Thumbs of some feedback."""

    up: int
    down: int
    with_correction: int = 0

    @property
    def total(self) -> int:
        return self.up + self.down

    @property
    def share_up(self) -> float | None:
        return self.up / self.total if self.total else None


@dataclass(frozen=True)
class Week:
    """A week that begins on that Monday (UTC), and its thumbs."""

    begins: date
    tally: Tally


COUNTS = {
    "up": Count("pk", filter=Q(thumb=Thumb.UP)),
    "down": Count("pk", filter=Q(thumb=Thumb.DOWN)),
    "with_correction": Count("pk", filter=Q(has_correction=True)),
}


def tally_of(found: FeedbackQuerySet) -> Tally:
    return Tally(**found.order_by().aggregate(**COUNTS))


def weeks_of(found: FeedbackQuerySet) -> list[Week]:
    """By week, the oldest first, the last year at most; one query."""
    grouped: Any = (
        found.order_by()
        .annotate(week=TruncWeek("given_at", tzinfo=UTC))
        .values("week")
        .annotate(**COUNTS)
        .order_by("-week")[:MOST_WEEKS]
    )
    weeks = [
        Week(row["week"].date(), Tally(row["up"], row["down"], row["with_correction"]))
        for row in grouped
    ]
    return weeks[::-1]


def use_cases_offered(user: User) -> list[tuple[str, str]]:
    """(slug, title) of use cases with feedback in reach."""
    known = Feedback.objects.visible_to(user).order_by().values("use_case")
    found = UseCase.objects.filter(pk__in=known).order_by("title")
    return list(found.values_list("slug", "title")[:MOST_OFFERED])


def readable_by(user: User) -> Q:
    """Feedback whose texts the person may read: of calls whose bodies they may."""
    reach = user.reach(Permission.CALL_BODY_VIEW)
    if reach.everywhere:
        return Q()
    return Q(call__team_id__in=reach.team_ids) | Q(item__queue_id__in=reach.queue_ids)


def of_call(call_id: UUID) -> FeedbackQuerySet:
    """The oldest first, with its texts."""
    found = Feedback.objects.filter(call_id=call_id).select_related("person", "api_key")
    return found.order_by("given_at", "pk")


def shares_of_versions(version_ids: list[int]) -> dict[int, Tally]:
    """Prompt version → its thumbs; one query."""
    grouped: Any = (
        Feedback.objects.filter(call__prompt_version_id__in=version_ids)
        .order_by()
        .values("call__prompt_version_id")
        .annotate(**COUNTS)
    )
    return {
        row["call__prompt_version_id"]: Tally(row["up"], row["down"], row["with_correction"])
        for row in grouped
    }
