from django.urls import path

from governance.registry import api

urlpatterns = [
    path("use-cases/", api.UseCaseList.as_view(), name="api-use-cases"),
    path("use-cases/<slug:slug>/", api.UseCaseDetail.as_view(), name="api-use-case"),
    path("use-cases/<slug:slug>/scores/", api.ScoreCreate.as_view(), name="api-scores"),
    path("use-cases/<slug:slug>/risk-assessments/", api.RiskCreate.as_view(), name="api-risk"),
    path("use-cases/<slug:slug>/stages/", api.StageProposal.as_view(), name="api-stages"),
]
