"""The register of notices, and those of one use case."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from governance.access.late_saves import in_words, seen_of
from governance.access.models import User
from governance.approvals.diffing import word_diff
from governance.approvals.models import ChangeRequest
from governance.kernel.authority import Permission
from governance.kernel.errors import Conflict, Invalid
from governance.kernel.web import actor_of, get_or_404, page, requires
from governance.registry import disclosures
from governance.registry.language import normalised
from governance.registry.models import Disclosure, UseCase
from governance.registry.picking import by_title
from governance.registry.rules import Stage
from governance.registry.selectors import use_cases_visible_to
from governance.registry.views import day_of, error_status


@requires(Permission.USE_CASE_VIEW)
def register(request: HttpRequest) -> HttpResponse:
    """Every use case in reach that still lives: which notice is in force, which has none."""
    visible = UseCase.objects.visible_to(cast(User, request.user)).select_related("team", "owner")
    found = visible.exclude(stage=Stage.RETIRED)
    today = disclosures.today_of(timezone.now())
    in_force = Disclosure.objects.in_force(today)
    if request.GET.get("show") == "none":
        found = found.exclude(pk__in=Disclosure.objects.filter(pk__in=in_force).values("use_case"))
    listed = Paginator(by_title(found), 50).get_page(request.GET.get("page"))
    notices: dict[int, list[Disclosure]] = {}
    for one in Disclosure.objects.filter(use_case__in=[one.pk for one in listed]).in_force(today):
        notices.setdefault(one.use_case_id, []).append(one)
    context = {
        "page": listed,
        "rows": [{"use_case": one, "notices": notices.get(one.pk, [])} for one in listed],
        "is_filtered": request.GET.get("show") == "none",
    }
    return page(request, "governance/registry/disclosures.html", context)


@requires(Permission.USE_CASE_VIEW)
def disclosures_of(request: HttpRequest, slug: str) -> HttpResponse:
    """Its notices with versions and what changed; a POST proposes the next."""
    user = cast(User, request.user)
    use_case: UseCase = get_or_404(use_cases_visible_to(user), slug=slug)
    error: Invalid | Conflict | None = None
    late: list[dict[str, Any]] = []
    if request.method == "POST":
        try:
            change = _propose(request, use_case)
            messages.success(request, "It is before its signatories now.")
            return redirect("approvals:detail", pk=change.pk)
        except Invalid as refused:
            error = refused
        except Conflict as refused:
            error, late = refused, _differences(request, use_case)
    may_manage = user.may(Permission.USE_CASE_MANAGE, use_case.team)
    context = {
        "use_case": use_case,
        "rows": notice_rows(use_case, disclosures.today_of(timezone.now())),
        "may_manage": may_manage,
        "error": error,
        "differences": late,
        # Too late: the next save is made from what stands now. Else from what was seen first.
        "seen": _seen(use_case) | (_carried(request) if isinstance(error, Invalid) else {}),
        "values": request.POST if error else _start(use_case),
        "longest": disclosures.LONGEST_TEXT,
    }
    status = error_status(error)
    return page(request, "governance/registry/disclosures_of.html", context, status=status)


def _propose(request: HttpRequest, use_case: UseCase) -> ChangeRequest:
    given = request.POST.get("effective_from", "").strip()
    return disclosures.propose_disclosure(
        actor=actor_of(request),
        use_case=use_case,
        language=request.POST.get("language", ""),
        text=request.POST.get("text", ""),
        place=request.POST.get("place", ""),
        effective_from=day_of(request, "effective_from") if given else None,
        reason=request.POST.get("reason", "")[:5000],
        now=timezone.now(),
        seen=_seen_of_what_is_sent(request),
    )


SEEN = "seen-"
NONE_YET = f"{SEEN}none"
"""The field for a language in which nothing was written when the form was opened."""


def _seen(use_case: UseCase) -> dict[str, str]:
    """Hidden fields: what the newest version in each language says as the form is opened."""
    newest: dict[str, Disclosure] = {}
    for one in use_case.disclosures.all():
        newest.setdefault(one.language, one)
    known = {
        f"{SEEN}{language}": seen_of(disclosures.facts_of(one)) for language, one in newest.items()
    }
    return known | {NONE_YET: seen_of(disclosures.facts_of(None))}


def _carried(request: HttpRequest) -> dict[str, str]:
    sent = {name: str(value) for name, value in request.POST.items() if name.startswith(SEEN)}
    return {name: value[:64] for name, value in sent.items()}


def _seen_of_what_is_sent(request: HttpRequest) -> str:
    carried = _carried(request)
    language = normalised(request.POST.get("language", ""))
    return carried.get(f"{SEEN}{language}", carried.get(NONE_YET, ""))


def _differences(request: HttpRequest, use_case: UseCase) -> list[dict[str, Any]]:
    """What stands now beside what was typed."""
    now = disclosures.stands(use_case, request.POST.get("language", ""))
    words = {"text": "Text", "place": "Shown in", "effective_from": "From"}
    typed = {name: request.POST.get(name, "").strip() for name in words}
    rows = [
        {"field": label, "stands": in_words(now[name]), "typed": typed[name]}
        for name, label in words.items()
    ]
    return [one for one in rows if one["stands"] != one["typed"]]


def _start(use_case: UseCase) -> dict[str, str]:
    """The form begins with the last text, or what the intake says."""
    last = use_case.disclosures.order_by("-created_at", "-pk").first()
    if last is None:
        return {"language": "en", "text": use_case.disclosure_text}
    known = "" if last.language == "und" else last.language
    return {"language": known, "text": last.text, "place": last.place}


def notice_rows(use_case: UseCase, today: date) -> list[dict[str, Any]]:
    """Each version with its standing, its open change, and its difference from the one before."""
    found = list(use_case.disclosures.select_related("author"))
    before = {(one.language, one.version): one for one in found}
    in_force = set(use_case.disclosures.in_force(today).values_list("pk", flat=True))
    undecided = {
        one.subject_id: one
        for one in ChangeRequest.objects.undecided().filter(
            kind=disclosures.KIND, subject_id__in=[one.pk for one in found]
        )
    }
    rows = []
    for one in found:
        earlier = before.get((one.language, one.version - 1))
        rows.append(
            {
                "notice": one,
                "is_in_force": one.pk in in_force,
                "is_to_come": one.state == "approved" and not one.stands(today),
                "change": undecided.get(one.pk),
                "pieces": word_diff(earlier.text, one.text) if earlier else (),
            }
        )
    return rows
