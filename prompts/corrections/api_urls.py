from django.urls import path

from prompts.corrections import api, rule_views

_ONE = "correction-exports/<uuid:pk>/"

urlpatterns = [
    path("corrections/", api.CorrectionList.as_view(), name="api-corrections"),
    path(
        "corrections/<int:pk>/promote/",
        api.CorrectionPromote.as_view(),
        name="api-correction-promote",
    ),
    path(
        "prompts/<slug:slug>/corrections/",
        rule_views.PromptCorrections.as_view(),
        name="api-prompt-corrections",
    ),
    path("correction-exports/", api.ExportCreate.as_view(), name="api-correction-exports"),
    path(_ONE, api.ExportDetail.as_view(), name="api-correction-export"),
    path(f"{_ONE}cancel/", api.ExportCancel.as_view(), name="api-correction-export-cancel"),
    path(f"{_ONE}file/", api.ExportFile.as_view(), name="api-correction-export-file"),
]
