from django.urls import path

from prompts.corrections import api

_ONE = "correction-exports/<uuid:pk>/"

urlpatterns = [
    path("corrections/", api.CorrectionList.as_view(), name="api-corrections"),
    path("correction-exports/", api.ExportCreate.as_view(), name="api-correction-exports"),
    path(_ONE, api.ExportDetail.as_view(), name="api-correction-export"),
    path(f"{_ONE}cancel/", api.ExportCancel.as_view(), name="api-correction-export-cancel"),
    path(f"{_ONE}file/", api.ExportFile.as_view(), name="api-correction-export-file"),
]
