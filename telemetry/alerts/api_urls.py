from django.urls import path

from telemetry.alerts import api

urlpatterns = [
    path("alerts/", api.AlertList.as_view(), name="api-alerts"),
    path("alerts/<int:pk>/acknowledge/", api.AlertAcknowledge.as_view(), name="api-alert-ack"),
]
