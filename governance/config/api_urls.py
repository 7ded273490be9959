"""The native API; every app writes its own paths."""

from typing import ClassVar

from django.http import HttpResponse
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request

from governance.kernel.web import PUBLIC


class Schema(SpectacularAPIView):
    """OpenAPI 3.1: a second of work, the same for everybody, so once in each process and form."""

    required_permission = PUBLIC
    rendered: ClassVar[dict[str, str | bytes]] = {}

    def _get_schema_response(self, request: Request) -> HttpResponse:
        renderer = request.accepted_renderer
        form = renderer.media_type
        if form not in self.rendered:
            made = self.generator_class().get_schema(public=True)  # type: ignore[no-untyped-call]
            self.rendered[form] = renderer.render(made, form, {})
        return HttpResponse(
            self.rendered[form],
            content_type=f"{form}; charset=utf-8",
            headers={"Content-Disposition": f'inline; filename="Placet.{renderer.format}"'},
        )


urlpatterns = [
    path("schema/", Schema.as_view(), name="api-schema"),
    path("", include("governance.access.api_urls")),
    path("", include("governance.home.api_urls")),
    path("", include("governance.approvals.api_urls")),
    path("", include("governance.audit.api_urls")),
    path("", include("governance.model_cards.api_urls")),
    path("", include("governance.incidents.api_urls")),
    path("", include("governance.compliance.api_urls")),
    path("", include("governance.registry.api_urls")),
    path("", include("governance.policy.api_urls")),
    path("", include("telemetry.alerts.api_urls")),
    path("", include("telemetry.webhooks.api_urls")),
    path("", include("telemetry.ledger.api_urls")),
    path("", include("telemetry.chargeback.api_urls")),
    path("", include("telemetry.savings.api_urls")),
    path("", include("telemetry.allocation.api_urls")),
    path("", include("telemetry.documents.api_urls")),
    path("", include("telemetry.deliveries.api_urls")),
    path("", include("telemetry.reconciliation.api_urls")),
    path("", include("telemetry.drift.api_urls")),
    path("", include("reviews.queues.api_urls")),
    path("", include("reviews.decisions.api_urls")),
    path("", include("reviews.calendars.api_urls")),
    path("", include("reviews.questions.api_urls")),
    path("", include("reviews.intake.api_urls")),
    path("", include("reviews.feedback.api_urls")),
    path("", include("reviews.quality.api_urls")),
    path("", include("reviews.board.api_urls")),
    path("", include("prompts.catalogue.api_urls")),
    path("", include("prompts.releases.api_urls")),
    path("", include("prompts.gateway.api_urls")),
    path("", include("prompts.batches.api_urls")),
    path("", include("prompts.evaluation.api_urls")),
    path("", include("prompts.corrections.api_urls")),
]
