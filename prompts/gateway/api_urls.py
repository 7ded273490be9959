from django.urls import path

from prompts.gateway import api, result_views

urlpatterns = [
    path("calls/", api.CallCreate.as_view(), name="api-calls"),
    path("calls/<uuid:pk>/", api.CallDetail.as_view(), name="api-call"),
    path("calls/<uuid:pk>/cancel/", api.CallCancel.as_view(), name="api-call-cancel"),
    path(
        "use-cases/<slug:slug>/result-policy/",
        result_views.UseCaseResultPolicy.as_view(),
        name="api-result-policy",
    ),
]
