from django.urls import path

from reviews.intake import api

urlpatterns = [
    path("intake-rules/", api.IntakeRuleList.as_view(), name="api-intake-rules"),
    path("intake-rules/try/", api.IntakeTry.as_view(), name="api-intake-try"),
    path("intake-rules/verify/", api.IntakeVerify.as_view(), name="api-intake-verify"),
    path("intake-rules/<slug:slug>/", api.IntakeRuleDetail.as_view(), name="api-intake-rule"),
]
