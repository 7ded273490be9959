"""Take a provider's file, compare it with the ledger, and resolve the differences."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import cast

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Sum

from governance.access.models import Team, User
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.web import get_or_404
from governance.model_cards.models import Deployment
from telemetry.allocation.rules import split
from telemetry.chargeback.rules import next_month
from telemetry.ledger.models import ZERO, LedgerEntry
from telemetry.ledger.rules import CallSource, EntryKind
from telemetry.reconciliation.models import (
    ProviderFile,
    ProviderLayout,
    ReconciliationEntry,
    ReconciliationLine,
)
from telemetry.reconciliation.reading import Layout, UsageLine, read_usage
from telemetry.reconciliation.rules import LINE_STATES, LineState, is_within

UPLOAD_LOCK = 722_010
SMALLEST = Decimal("0.000000001")


@dataclass
class Figures:
    """Tokens and money of a day and model."""

    tokens_input: int = 0
    tokens_output: int = 0
    amount: Decimal = ZERO


@dataclass(frozen=True)
class Upload:
    """A file as somebody sent it. `models` are deployments' slugs by the provider's names."""

    provider: str
    period: date
    file_name: str
    content: bytes
    layout: Layout
    models: Mapping[str, str] = field(default_factory=dict)
    tolerance: Decimal = Decimal("0.01")
    tolerance_percent: Decimal = Decimal("0.5")


@transaction.atomic
def take_file(*, actor: Actor, upload: Upload, now: datetime) -> tuple[ProviderFile, bool]:
    """Compare it, and whether that was done now: the same file of a month is taken once.

    Raises Invalid with every line that cannot be read; then nothing is kept.
    """
    user = _finance(actor)
    provider = upload.provider.strip()
    if not provider or len(provider) > 100:
        raise Invalid(
            "Nothing was kept: name the provider.", fields={"provider": ["Name the provider."]}
        )
    sha256 = hashlib.sha256(upload.content).hexdigest()
    with connection.cursor() as cursor:  # two uploads of one file wait for each other
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [UPLOAD_LOCK])
    same = ProviderFile.objects.filter(provider=provider, period=upload.period, sha256=sha256)
    known = same.first()
    if known is not None:
        return known, False
    lines = read_usage(upload.content, upload.layout)
    _check_days(lines, upload.period)
    columns = set(upload.layout.columns)
    file = ProviderFile.objects.create(
        provider=provider,
        period=upload.period,
        file_name=upload.file_name[:255],
        sha256=sha256,
        content=upload.content,
        rows=len(lines),
        currency=settings.PLACET_CURRENCY,
        has_amounts="amount" in columns,
        has_tokens=bool({"tokens_input", "tokens_output"} & columns),
        tolerance=upload.tolerance,
        tolerance_percent=upload.tolerance_percent,
        uploaded_at=now,
        uploaded_by=user,
    )
    found = _deployments({line.model for line in lines}, upload.models)
    _compare(file, lines, found, now)
    _remember(provider, upload, found)
    states = file.lines.values_list("state", flat=True)
    after = {
        "file": file.file_name,
        "sha256": sha256,
        "rows": file.rows,
        "lines": len(states),
        "open": sum(1 for state in states if state == LineState.OPEN),
    }
    record(actor=actor, action="reconciliation.uploaded", subject=file, now=now, after=after)
    return file, True


def _check_days(lines: Sequence[UsageLine], period: date) -> None:
    last = next_month(period)
    wrong = [line for line in lines if not period <= line.day < last]
    if wrong:
        raise Invalid(
            f"Nothing was kept: {len(wrong)} lines are of days outside {period:%B %Y}.",
            fields={"file": [f"Line {line.number}: {line.day}" for line in wrong[:50]]},
        )


def _deployments(names: set[str], given: Mapping[str, str]) -> dict[str, Deployment]:
    """By the provider's name: as said, else the one whose slug or litellm model it is."""
    by_slug = {one.slug: one for one in Deployment.objects.all()}
    unknown = sorted({slug for slug in given.values() if slug and slug not in by_slug})
    if unknown:
        raise Invalid(
            "Nothing was kept: some deployments are not known.",
            fields={"models": [f"There is no deployment “{slug}”." for slug in unknown]},
        )
    by_model: dict[str, list[Deployment]] = defaultdict(list)
    for one in by_slug.values():
        by_model[one.litellm_model.rpartition("/")[2]].append(one)
    found: dict[str, Deployment] = {}
    for name in names:
        candidates = by_model[name]
        if given.get(name):
            found[name] = by_slug[given[name]]
        elif name in by_slug:
            found[name] = by_slug[name]
        elif len(candidates) == 1:
            found[name] = candidates[0]
    return found


def _compare(
    file: ProviderFile,
    lines: Sequence[UsageLine],
    found: Mapping[str, Deployment],
    now: datetime,
) -> None:
    theirs: dict[tuple[date, str], Figures] = defaultdict(Figures)
    for line in lines:
        one = theirs[line.day, line.model]
        one.tokens_input += line.tokens_input
        one.tokens_output += line.tokens_output
        one.amount += line.amount
    ours = _ours(file.period, {one.pk for one in found.values()})
    names = {one.pk: name for name, one in sorted(found.items(), reverse=True)}
    keys = set(theirs) | {(day, names[pk]) for day, pk in ours}
    rows = []
    for day, name in sorted(keys):
        deployment = found.get(name)
        # Two of the provider's names for one deployment: ours stands beside the first of them.
        is_first = deployment is not None and names[deployment.pk] == name
        mine = ours.get((day, deployment.pk)) if deployment and is_first else None
        rows.append(_line(file, day, name, deployment, mine or Figures(), theirs[day, name]))
    ReconciliationLine.objects.bulk_create(rows)


def _line(
    file: ProviderFile,
    day: date,
    name: str,
    deployment: Deployment | None,
    ours: Figures,
    theirs: Figures,
) -> ReconciliationLine:
    line = ReconciliationLine(
        file=file,
        day=day,
        model=name,
        deployment=deployment,
        ours_input=ours.tokens_input,
        ours_output=ours.tokens_output,
        ours_amount=ours.amount,
        theirs_input=theirs.tokens_input,
        theirs_output=theirs.tokens_output,
        theirs_amount=theirs.amount.quantize(SMALLEST),
    )
    limits = (file.tolerance, file.tolerance_percent)
    same = not file.has_amounts or is_within(ours.amount, theirs.amount, *limits)
    if file.has_tokens:
        counted = Decimal(line.ours_input + line.ours_output)
        told = Decimal(line.theirs_input + line.theirs_output)
        same = same and is_within(counted, told, ZERO, file.tolerance_percent)
    if same and deployment is not None:
        line.state = LINE_STATES.target(line.state, "match")
    return line


def _ours(period: date, deployment_ids: set[int]) -> dict[tuple[date, int], Figures]:
    """What is booked for the month's days, corrections too, whatever month it was booked to.

    Without the corrections a difference that finance has settled would be booked once more.
    """
    entries = LedgerEntry.objects.filter(
        kind__in=(EntryKind.USAGE, EntryKind.ADJUSTMENT, EntryKind.CREDIT),
        source=CallSource.LIVE,
        period__gte=period,
        day__gte=period,
        day__lt=next_month(period),
        deployment__in=deployment_ids,
    )
    rows = entries.order_by().values_list("day", "deployment_id")
    summed = rows.annotate(Sum("tokens_input"), Sum("tokens_output"), Sum("amount"))
    return {(day, pk): Figures(*figures) for day, pk, *figures in summed if pk is not None}


def _remember(provider: str, upload: Upload, found: Mapping[str, Deployment]) -> None:
    layout, _ = ProviderLayout.objects.get_or_create(provider=provider)
    layout.columns = dict(upload.layout.columns)
    layout.decimal_comma = upload.layout.decimal_comma
    layout.model_names |= {name: one.slug for name, one in found.items()}
    layout.save()


@transaction.atomic
def resolve(
    *,
    actor: Actor,
    line_id: int,
    action: str,
    reason: str,
    now: datetime,
    team: Team | None = None,
) -> ReconciliationLine:
    """Adjust, accept or dispute a difference, with a reason.

    An adjustment books it to the teams that used the model on that day, by what they were
    charged; where none did, to `team`. It goes to the file's month, or where that is closed to
    the next open one.
    """
    user = _finance(actor)
    reason = reason.strip()
    if action not in {"adjust", "accept", "dispute"}:
        raise Invalid("Nothing was changed: a difference is adjusted, accepted or disputed.")
    if not reason or len(reason) > 300:
        raise Invalid(
            "Nothing was changed: say why in at most 300 characters.",
            fields={"reason": ["Say why."]},
        )
    lines = ReconciliationLine.objects.select_for_update(of=("self",)).select_related(
        "file", "deployment"
    )
    line: ReconciliationLine = get_or_404(lines, pk=line_id)
    before = line.state
    line.state = LINE_STATES.target(line.state, action)
    if action == "adjust":
        _book(line, team, reason, now)
    line.reason, line.decided_at, line.decided_by = reason, now, user
    line.save(update_fields=["state", "reason", "decided_at", "decided_by"])
    record(
        actor=actor,
        action="reconciliation.resolved",
        subject=line,
        now=now,
        before={"state": before},
        after={"state": line.state, "difference": f"{line.difference:.9f}"},
        reason=reason,
    )
    return line


def _book(line: ReconciliationLine, team: Team | None, reason: str, now: datetime) -> None:
    if not line.difference:
        raise WrongState("Nothing was booked: the amounts do not differ. Accept the line instead.")
    for one, amount in _parts(line, team):
        entry = LedgerEntry.objects.create(
            kind=EntryKind.ADJUSTMENT,
            team=one,
            deployment=line.deployment,
            period=line.file.period,
            day=line.day,
            amount=amount,
            currency=line.file.currency,
            source=CallSource.LIVE,
            description=f"{line.file.provider}, {line}: {reason}"[:300],
            created_at=now,
        )
        ReconciliationEntry.objects.create(line=line, entry=entry)


def _parts(line: ReconciliationLine, team: Team | None) -> list[tuple[Team, Decimal]]:
    weights = _charged(line)
    if not any(weights.values()):
        if team is None:
            raise Invalid(
                "Nothing was booked: no team used this model on that day. Choose the team.",
                fields={"team": ["Choose the team that is charged."]},
            )
        return [(team, line.difference)]
    parts = split(line.difference, weights)
    teams = Team.objects.in_bulk(parts, field_name="slug")
    return [(teams[slug], amount) for slug, amount in sorted(parts.items()) if amount]


def _charged(line: ReconciliationLine) -> dict[str, Decimal]:
    """What each team was charged for that model and day, by slug."""
    if line.deployment is None:
        return {}
    entries = LedgerEntry.objects.filter(
        kind=EntryKind.USAGE,
        source=CallSource.LIVE,
        period__gte=line.file.period,
        day=line.day,
        deployment=line.deployment,
    )
    return dict(entries.order_by().values_list("team__slug").annotate(Sum("amount")))


def _finance(actor: Actor) -> User:
    if not actor.may(Permission.STATEMENT_CLOSE) or actor.user is None:
        raise NotAllowed("Nothing was changed: finance reconciles providers' files.")
    return cast(User, actor.user)
