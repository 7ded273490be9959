from django.urls import path

from telemetry.allocation import api

urlpatterns = [
    path("allocation-rules/", api.RuleList.as_view(), name="api-allocation-rules"),
    path("allocation-rules/simulate/", api.Simulate.as_view(), name="api-allocation-simulate"),
    path("allocation-rules/<slug:slug>/", api.RuleDetail.as_view(), name="api-allocation-rule"),
    path("allocation-rules/<slug:slug>/book/", api.Book.as_view(), name="api-allocation-book"),
    path(
        "allocation-rules/<slug:slug>/reverse/",
        api.Reverse.as_view(),
        name="api-allocation-reverse",
    ),
]
