from django.urls import path

from telemetry.alerts import api, level_api

urlpatterns = [
    path("alerts/", api.AlertList.as_view(), name="api-alerts"),
    path("alerts/<int:pk>/acknowledge/", api.AlertAcknowledge.as_view(), name="api-alert-ack"),
    path("service-levels/", level_api.ServiceLevelList.as_view(), name="api-service-levels"),
    path(
        "service-levels/<int:pk>/", level_api.ServiceLevelDetail.as_view(), name="api-service-level"
    ),
]
