"""Every page's address; each app writes its own full prefix."""

from allauth.account.views import PasswordResetView
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from governance.config import health
from governance.home import mailing
from governance.kernel.web import PUBLIC, not_found_json, requires

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    # Before allauth's own: nobody changes the address they sign in with, unseen by the log.
    *(
        path(f"accounts/{unused}/", RedirectView.as_view(pattern_name="access:account"))
        for unused in ("email", "confirm-email", "password/set", "reauthenticate")
    ),
    path(
        "accounts/password/reset/",
        PasswordResetView.as_view(extra_context={"has_mail": mailing.is_configured}),
    ),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include("governance.config.api_urls")),
    re_path(r"^api/", requires(PUBLIC)(not_found_json)),
    path("", include("governance.home.urls")),
    path("", include("governance.audit.urls")),
    path("", include("governance.access.urls")),
    path("", include("governance.approvals.urls")),
    path("", include("governance.model_cards.urls")),
    path("", include("governance.registry.urls")),
    path("", include("governance.policy.urls")),
    path("", include("governance.incidents.urls")),
    path("", include("governance.compliance.urls")),
    path("", include("telemetry.alerts.urls")),
    path("", include("telemetry.webhooks.urls")),
    path("", include("telemetry.ledger.urls")),
    path("", include("telemetry.savings.urls")),
    path("", include("telemetry.chargeback.urls")),
    path("", include("telemetry.allocation.urls")),
    path("", include("telemetry.documents.urls")),
    path("", include("telemetry.deliveries.urls")),
    path("", include("telemetry.reconciliation.urls")),
    path("", include("telemetry.drift.urls")),
    path("", include("reviews.calendars.urls")),
    path("", include("reviews.questions.urls")),
    path("", include("reviews.intake.urls")),
    path("", include("reviews.feedback.urls")),
    path("", include("reviews.decisions.urls")),
    path("", include("reviews.board.urls")),
    path("", include("reviews.quality.urls")),
    path("", include("reviews.queues.urls")),
    path("", include("prompts.gateway.urls")),
    path("", include("prompts.batches.urls")),
    path("", include("prompts.evaluation.urls")),
    path("", include("prompts.corrections.urls")),
    path("", include("prompts.catalogue.urls")),
    path("", include("prompts.releases.urls")),
]

handler404 = "governance.home.views.page_not_found"
handler500 = "governance.home.views.server_error"
