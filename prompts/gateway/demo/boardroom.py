"""What the demo organisation talks about: a thread on an open request, and the next meeting."""

from __future__ import annotations

from datetime import datetime, timedelta

from governance.approvals.diffing import field_diffs
from governance.approvals.discussing import comment
from governance.approvals.lines import lines_of
from governance.approvals.meetings import plan_meeting
from governance.approvals.models import ChangeRequest
from prompts.gateway.demo.people import People


def talk(people: People, now: datetime) -> None:
    """A question on a changed line, its answer, and a meeting that will decide."""
    waiting = list(ChangeRequest.objects.filter(state="open").order_by("due_at", "pk"))
    if not waiting:
        return
    releases = [one for one in waiting if one.kind == "prompt_release"]
    change, board = (releases or waiting)[0], people.actor("board")
    changed = [one for one in field_diffs(change.base, change.snapshot) if one.status != "same"]
    lines = [line for one in changed for line in lines_of(one) if line.text.strip()]
    # Of what changes, the prompt's own words are worth talking about.
    line = max(lines, key=lambda one: len(one.text), default=None)
    owner = change.proposer
    asked = comment(
        actor=board,
        change_id=change.pk,
        text=f"@{owner.name} what becomes better for reviewers with this line?",
        line=line.key if line else "",
        now=now,
    ).comment
    comment(
        actor=people.actor("owner"),
        change_id=change.pk,
        text="They see the clause that decides, so a wrong licence is found at once.",
        parent_id=asked.pk,
        now=now,
    )
    plan_meeting(
        actor=board,
        title="AI board, the open requests",
        held_on=(now + timedelta(days=1)).date(),
        chaired_by=people.users["board"],
        change_ids=[one.pk for one in waiting],
        now=now,
    )
