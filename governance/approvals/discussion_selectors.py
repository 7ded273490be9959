"""What the change page shows of a discussion: threads at their lines, and the points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from governance.access.models import User
from governance.approvals.diffing import FieldDiff
from governance.approvals.discussing import may_settle, signatories_of
from governance.approvals.lines import Line, lines_of, place
from governance.approvals.models import ChangePoint, ChangeRequest, Comment, PointAnswer
from governance.approvals.pointing import may_answer
from governance.approvals.rules import UNDECIDED


@dataclass(frozen=True)
class Thread:
    """A comment with its answers, and whether the reader may mark it."""

    comment: Comment
    may_settle: bool

    @property
    def is_resolved(self) -> bool:
        return self.comment.resolved_at is not None


@dataclass
class LineRow:
    """One line as it is shown, with its threads."""

    line: Line
    threads: list[Thread] = field(default_factory=list)


@dataclass(frozen=True)
class FieldRow:
    """One field of the diff by its lines."""

    field: FieldDiff
    lines: list[LineRow]

    @property
    def is_discussed(self) -> bool:
        return any(row.threads for row in self.lines)


@dataclass(frozen=True)
class Discussion:
    """Threads at their lines, on the whole change, and on lines that are no longer there."""

    rows: list[FieldRow]
    whole: list[Thread]
    earlier: list[Thread]

    def is_about_same(self, chosen: Line | None) -> bool:
        """Whether something is said, or about to be, on a field that stays the same."""
        same = [row for row in self.rows if row.field.status == "same"]
        lines = [one.line for row in same for one in row.lines] if chosen else []
        return chosen in lines or any(row.is_discussed for row in same)


def discussion_of(change: ChangeRequest, fields: Sequence[FieldDiff], user: User) -> Discussion:
    signatories = signatories_of(change)
    threads = [
        Thread(one, may_settle(user, one, change, signatories))
        for one in Comment.objects.filter(change=change).threads()
    ]
    rows = [FieldRow(one, [LineRow(line) for line in lines_of(one)]) for one in fields]
    by_key = {row.field.key: row for row in rows}
    whole: list[Thread] = []
    earlier: list[Thread] = []
    for thread in threads:
        if not thread.comment.line:
            whole.append(thread)
            continue
        row = _row_of(thread.comment, by_key)
        (row.threads if row is not None else earlier).append(thread)
    return Discussion(rows, whole, earlier)


def _row_of(comment: Comment, by_key: dict[str, FieldRow]) -> LineRow | None:
    """The line that says now what the comment was said about; None if none does."""
    found = by_key.get(comment.line.rpartition(":")[0])
    if found is None:
        return None
    line = place(comment.line, comment.quote, [row.line for row in found.lines])
    return next((row for row in found.lines if row.line is line), None)


@dataclass(frozen=True)
class PointRow:
    """A point with its answers and what the reader may do about it."""

    point: ChangePoint
    answers: list[PointAnswer]
    may_resolve: bool
    may_reopen: bool


def points_of(change: ChangeRequest, user: User) -> list[PointRow]:
    """All points of the request, also of earlier revisions, in the order they were asked."""
    points = list(
        ChangePoint.objects.of_change(change.pk)
        .select_related("decision__person")
        .prefetch_related("answers__person")
    )
    if not points:
        return []
    signatories, undecided = signatories_of(change), change.state in UNDECIDED

    def may(point: ChangePoint, action: str, state: str) -> bool:
        possible = undecided and point.state == state
        return possible and may_answer(user, point, change, action, signatories)

    return [
        PointRow(
            one,
            list(one.answers.all()),
            may(one, "resolve", "open"),
            may(one, "reopen", "resolved"),
        )
        for one in points
    ]
