"""Downloads of statements and of a month's usage; all are streamed."""

from __future__ import annotations

from datetime import date
from typing import cast

from django.http import HttpResponse, StreamingHttpResponse
from django.http.request import HttpRequest
from django.utils import timezone

from governance.access.models import Team, User
from governance.kernel.authority import Permission
from governance.kernel.web import get_or_404, page, requires
from telemetry.chargeback.dashboard import View
from telemetry.documents.files import DocumentFile, statement_file, usage_file
from telemetry.documents.focus_columns import COLUMNS


def visible_team(user: User, slug: str) -> Team:
    reach = user.reach(Permission.CHARGEBACK_VIEW)
    teams = Team.objects.all() if reach.everywhere else Team.objects.filter(pk__in=reach.team_ids)
    found: Team = get_or_404(teams, slug=slug)
    return found


def streamed(file: DocumentFile) -> HttpResponse:
    """The file as a download."""
    response = StreamingHttpResponse(file.pieces, content_type=file.media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
    return cast(HttpResponse, response)  # both answer a request; Django only types them apart


@requires(Permission.CHARGEBACK_VIEW)
def statement(request: HttpRequest, team: str, month: date) -> HttpResponse:
    """A statement in the format that `as` names."""
    found = visible_team(cast(User, request.user), team)
    return streamed(statement_file(found, month, request.GET.get("as", "csv"), timezone.now()))


@requires(Permission.CHARGEBACK_VIEW)
def usage_xlsx(request: HttpRequest) -> HttpResponse:
    """The chargeback page's month by day, team, use case and model."""
    return _usage(request, "xlsx")


@requires(Permission.CHARGEBACK_VIEW)
def usage_focus(request: HttpRequest) -> HttpResponse:
    """The chargeback page's month as FOCUS 1.2."""
    return _usage(request, "focus")


def _usage(request: HttpRequest, kind: str) -> HttpResponse:
    view = View.from_query(request.GET, timezone.now().date())
    return streamed(usage_file(cast(User, request.user), view, kind))


@requires(Permission.CHARGEBACK_VIEW)
def focus_mapping(request: HttpRequest) -> HttpResponse:
    """Where each FOCUS column comes from."""
    return page(request, "telemetry/documents/focus.html", {"columns": COLUMNS})
