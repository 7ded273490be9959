"""Providers' files beside the ledger."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.models import Team
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid, PlacetError, TooLarge
from governance.kernel.web import actor_of, get_or_404, page, requires
from telemetry.chargeback.views import show_errors
from telemetry.reconciliation.forms import UploadForm
from telemetry.reconciliation.models import ProviderFile, ReconciliationLine
from telemetry.reconciliation.reading import FIELDS
from telemetry.reconciliation.rules import LINE_STATES, UNRESOLVED
from telemetry.reconciliation.services import resolve, take_file


@requires(Permission.STATEMENT_CLOSE)
def files(request: HttpRequest) -> HttpResponse:
    """Files that were compared, newest first."""
    counted = ProviderFile.objects.defer("content").annotate(
        compared=Count("lines"), unresolved=Count("lines", Q(lines__state__in=UNRESOLVED))
    )
    listed = Paginator(counted.order_by("-pk"), 50).get_page(request.GET.get("page"))
    return page(request, "telemetry/reconciliation/files.html", {"page": listed})


@requires(Permission.STATEMENT_CLOSE)
def upload(request: HttpRequest) -> HttpResponse:
    """Take a file. What cannot be read is said line by line, and nothing of it is kept."""
    form = UploadForm(request.POST or None, request.FILES or None)
    faults: list[str] = []
    if request.method == "POST" and form.is_valid():
        try:
            file, is_new = take_file(
                actor=actor_of(request), upload=form.upload(), now=timezone.now()
            )
        except Invalid as error:
            faults = error.fields.pop("file", [])
            for name in set(error.fields) & set(FIELDS):
                error.fields[f"column_{name}"] = error.fields.pop(name)
            form.add_error(None, error.message)
            if error.fields:
                show_errors(form, error)
        except TooLarge as error:
            form.add_error("file", error.message)
        else:
            word = "Compared." if is_new else "This file was taken before; here it is."
            messages.success(request, word)
            return redirect("reconciliation:file", pk=file.pk)
    context = {"form": form, "faults": faults}
    status = 422 if form.is_bound else 200
    return page(request, "telemetry/reconciliation/upload.html", context, status=status)


@requires(Permission.STATEMENT_CLOSE)
def file(request: HttpRequest, pk: int) -> HttpResponse:
    """One file's lines: ours, theirs, difference."""
    found: ProviderFile = get_or_404(
        ProviderFile.objects.defer("content").select_related("uploaded_by"), pk=pk
    )
    state = request.GET.get("state", "")
    lines = found.lines.select_related("file", "deployment")
    counts = dict(found.lines.order_by().values_list("state").annotate(Count("pk")))
    if state in LINE_STATES.states:
        lines = lines.filter(state=state)
    context = {
        "file": found,
        "page": Paginator(lines, 100).get_page(request.GET.get("page")),
        "counts": [(one, counts.get(one, 0)) for one in LINE_STATES.states],
        "state": state,
    }
    return page(request, "telemetry/reconciliation/file.html", context)


@requires(Permission.STATEMENT_CLOSE)
def line(request: HttpRequest, pk: int) -> HttpResponse:
    """One difference, what was booked for it, and the forms that resolve it."""
    return _line_page(request, pk)


def _line_page(request: HttpRequest, pk: int, refused: PlacetError | None = None) -> HttpResponse:
    lines = ReconciliationLine.objects.select_related("file", "deployment", "decided_by")
    found: ReconciliationLine = get_or_404(lines, pk=pk)
    actions = set(LINE_STATES.actions(found.state)) - {"match"}
    context = {
        "line": found,
        "entries": found.entries.select_related("entry__team"),
        "actions": [one for one in ("adjust", "accept", "dispute") if one in actions],
        "teams": Team.objects.order_by("name"),
        "error": refused,
        "typed": request.POST,
    }
    status = refused.status if refused else 200
    return page(request, "telemetry/reconciliation/line.html", context, status=status)


@requires(Permission.STATEMENT_CLOSE)
@require_POST
def line_resolve(request: HttpRequest, pk: int) -> HttpResponse:
    """Adjust, accept or dispute."""
    slug = request.POST.get("team", "")
    try:
        resolved = resolve(
            actor=actor_of(request),
            line_id=pk,
            action=request.POST.get("action", ""),
            reason=request.POST.get("reason", ""),
            team=get_or_404(Team.objects.all(), slug=slug) if slug else None,
            now=timezone.now(),
        )
    except Invalid as refused:
        return _line_page(request, pk, refused)
    messages.success(request, f"{resolved} is {resolved.state}.")
    return redirect("reconciliation:file", pk=resolved.file_id)
