"""The policy library: read, acknowledge, propose the next version, see who has not read."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access.forms import ServiceForm
from governance.access.late_saves import SeenForm, seen_of
from governance.access.models import User
from governance.approvals.diffing import field_diffs
from governance.approvals.selectors import standing
from governance.audit.selectors import timeline_for
from governance.compliance import library
from governance.compliance.library_models import Acknowledgement, PolicyDocument, PolicyVersion
from governance.compliance.library_selectors import library_for, readers_of
from governance.kernel.authority import ROLES, Permission
from governance.kernel.errors import Conflict, NotFound
from governance.kernel.web import SIGNED_IN, actor_of, get_or_404, page, plain_name, requires

SEES_READERS = (Permission.SIGN_COMPLIANCE, Permission.PEOPLE_VIEW)


class DocumentForm(ServiceForm):
    """A new document."""

    title = forms.CharField(max_length=150, validators=[plain_name])
    slug = forms.SlugField(
        label="Short name",
        max_length=80,
        required=False,
        help_text="For addresses; made from the title if left empty.",
    )


class VersionForm(ServiceForm, SeenForm):
    """What the next version says."""

    body = forms.CharField(
        label="Text",
        max_length=library.LONGEST_BODY,
        widget=forms.Textarea(attrs={"rows": 18}),
        help_text="Markdown.",
    )
    roles = forms.MultipleChoiceField(
        label="Who must acknowledge it",
        required=False,
        choices=[(one.code, one.title) for one in ROLES.values()],
        widget=forms.CheckboxSelectMultiple,
    )
    effective_from = forms.DateField(
        label="In force from",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="If it is signed later, from the day on which it is signed.",
    )
    reason = forms.CharField(
        label="Why",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="A sentence that those who sign can judge.",
    )


@requires(SIGNED_IN)
def shelf(request: HttpRequest) -> HttpResponse:
    """Every policy in force, and which of them one has yet to acknowledge."""
    user, now = cast(User, request.user), timezone.now()
    may_write = user.may(Permission.SIGN_COMPLIANCE)
    found = library_for(user, now, with_drafts=may_write)
    context = {
        "page": Paginator(found, 50).get_page(request.GET.get("page")),
        "may_write": may_write,
    }
    return page(request, "governance/compliance/library.html", context)


@requires(SIGNED_IN)
def document(request: HttpRequest, slug: str) -> HttpResponse:
    """What it says now, and one's own acknowledgement."""
    user, now = cast(User, request.user), timezone.now()
    found = _document(user, slug)
    version = library.in_force(found, now)
    mine = Acknowledgement.objects.filter(person=user, version=version).first()
    may_write = user.may(Permission.SIGN_COMPLIANCE)
    context = {
        "document": found,
        "version": version,
        "mine": mine,
        "is_asked": version is not None and library.is_asked_of(version, user, now),
        "versions": [
            {"version": one, "state": one.state_on(now)}
            for one in found.versions.select_related("change__proposer")
        ],
        "standing": standing(library.KIND, found, now),
        "may_write": may_write,
        "sees_readers": any(user.may(one) for one in SEES_READERS),
        "events": timeline_for(found)[:30] if may_write else [],
    }
    return page(request, "governance/compliance/document.html", context)


def _document(user: User, slug: str) -> PolicyDocument:
    """A document that nobody signed yet is for who writes the library alone."""
    found: PolicyDocument = get_or_404(PolicyDocument.objects.all(), slug=slug)
    if not user.may(Permission.SIGN_COMPLIANCE) and not found.versions.exists():
        raise NotFound("There is no such document.")
    return found


@requires(SIGNED_IN)
def document_version(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """One version as it was signed, and what it changed."""
    now, found = timezone.now(), _document(cast(User, request.user), slug)
    version: PolicyVersion = get_or_404(
        found.versions.select_related("change__proposer"), number=number
    )
    before = found.versions.filter(number__lt=number).first()
    context = {
        "document": found,
        "version": version,
        "state": version.state_on(now),
        "before": before,
        "fields": field_diffs(before.content(), version.content()) if before else [],
    }
    return page(request, "governance/compliance/document_version.html", context)


@requires(SIGNED_IN)
@require_POST
def acknowledge(request: HttpRequest, slug: str) -> HttpResponse:
    found = _document(cast(User, request.user), slug)
    number = request.POST.get("version", "")
    library.acknowledge(
        actor=actor_of(request),
        document_id=found.pk,
        number=int(number) if number.isdecimal() and len(number) < 9 else 0,
        now=timezone.now(),
    )
    messages.success(request, "Acknowledged. Thank you for reading it.")
    return redirect("compliance:document", slug=slug)


@requires(Permission.SIGN_COMPLIANCE)
def document_new(request: HttpRequest) -> HttpResponse:
    """Begin a document."""
    form = DocumentForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        made = form.carry_out(library.start_document, actor=actor_of(request), now=timezone.now())
        if made is not None:
            return redirect("compliance:document-propose", slug=made.slug)
    status = 422 if form.is_bound else 200
    return page(request, "governance/compliance/document_new.html", {"form": form}, status=status)


@requires(Permission.SIGN_COMPLIANCE)
def document_propose(request: HttpRequest, slug: str) -> HttpResponse:
    """Write the next version and put it before its signatories."""
    now, found = timezone.now(), _document(cast(User, request.user), slug)
    stands = library.newest_facts(found)
    seen, status = seen_of(stands), 200
    initial: dict[str, Any] = {"effective_from": now.date(), "seen": seen} | stands
    form = VersionForm(request.POST if request.method == "POST" else None, initial=initial)

    def propose(*, reason: str, seen: str, **content: Any) -> Any:
        return library.propose_version(
            actor=actor_of(request),
            document=found,
            proposal=content,
            reason=reason,
            now=now,
            seen=seen,
        )

    if request.method == "POST":
        change, status = None, 422
        try:
            change = form.carry_out(propose)
        except Conflict as late:
            status = late.status
            form.show_late(late, stands, seen)
        if change is not None:
            messages.success(request, "Proposed. What is in force stays until it is signed.")
            return redirect("approvals:detail", pk=change.pk)
    context = {
        "document": found,
        "form": form,
        "open_change": standing(library.KIND, found, now)["open_change"],
    }
    return page(request, "governance/compliance/document_propose.html", context, status=status)


@requires(*SEES_READERS)
def document_readers(request: HttpRequest, slug: str) -> HttpResponse:
    """Who has acknowledged the version in force, and who has not."""
    now, found = timezone.now(), _document(cast(User, request.user), slug)
    version = library.in_force(found, now)
    readers = readers_of(version, now) if version else []
    context = {
        "document": found,
        "version": version,
        "page": Paginator(readers, 50).get_page(request.GET.get("page")),
        "done": sum(one.acknowledged_at is not None for one in readers),
        "asked": len(readers),
    }
    return page(request, "governance/compliance/document_readers.html", context)
