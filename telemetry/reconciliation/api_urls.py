from django.urls import path

from telemetry.reconciliation import api

urlpatterns = [
    path("reconciliations/", api.Files.as_view(), name="api-reconciliations"),
    path("reconciliations/<int:pk>/lines/", api.Lines.as_view(), name="api-reconciliation-lines"),
    path(
        "reconciliation-lines/<int:pk>/resolve/",
        api.Resolve.as_view(),
        name="api-reconciliation-resolve",
    ),
]
