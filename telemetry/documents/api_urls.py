from django.urls import path

from telemetry.documents import api

urlpatterns = [
    path(
        "statements/<int:pk>/download/",
        api.StatementFile.as_view(),
        name="api-statement-download",
    ),
]
