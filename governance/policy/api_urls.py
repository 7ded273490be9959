from django.urls import path

from governance.policy import api

urlpatterns = [
    path("rule-sets/", api.RuleSetList.as_view(), name="api-rule-sets"),
    path("rule-sets/<slug:slug>/", api.RuleSetDetail.as_view(), name="api-rule-set"),
    path("rule-sets/<slug:slug>/versions/", api.VersionList.as_view(), name="api-rule-versions"),
    path("rule-sets/<slug:slug>/propose/", api.RuleSetPropose.as_view(), name="api-rules-propose"),
    path("screening-trials/", api.ScreeningTrial.as_view(), name="api-screening-trials"),
]
