from django.urls import path

from governance.registry import api, api_datasets, api_metrics, api_risk

_ONE = "use-cases/<slug:slug>/"
urlpatterns = [
    path("use-cases/", api.UseCaseList.as_view(), name="api-use-cases"),
    path(_ONE, api.UseCaseDetail.as_view(), name="api-use-case"),
    path(f"{_ONE}scores/", api.ScoreList.as_view(), name="api-scores"),
    path(f"{_ONE}risk-assessments/", api_risk.RiskList.as_view(), name="api-risk"),
    path(f"{_ONE}stages/", api.StageProposal.as_view(), name="api-stages"),
    path(f"{_ONE}owner/", api.OwnerChange.as_view(), name="api-owner"),
    path(f"{_ONE}suspend/", api.Suspension.as_view(), name="api-suspend"),
    path(f"{_ONE}resume/", api.Resumption.as_view(), name="api-resume"),
    path(f"{_ONE}metrics/", api_metrics.MetricList.as_view(), name="api-metrics"),
    path(
        f"{_ONE}metrics/<int:metric>/measurements/",
        api_metrics.MeasurementList.as_view(),
        name="api-measurements",
    ),
    path(f"{_ONE}checklist/", api_metrics.ChecklistList.as_view(), name="api-checklist"),
    path(
        f"{_ONE}checklist/<int:item>/done/",
        api_metrics.ChecklistDone.as_view(),
        name="api-checklist-done",
    ),
    path(f"{_ONE}datasets/", api_datasets.DatasetNaming.as_view(), name="api-naming"),
    path(f"{_ONE}risk/", api_risk.RiskNow.as_view(), name="api-risk-now"),
    path(f"{_ONE}mitigations/", api_risk.MitigationList.as_view(), name="api-mitigations"),
    path(
        f"{_ONE}mitigations/<int:mitigation>/done/",
        api_risk.MitigationDone.as_view(),
        name="api-mitigation-done",
    ),
    path(f"{_ONE}residual-risks/", api_risk.ResidualList.as_view(), name="api-residuals"),
    path(
        f"{_ONE}residual-risks/<int:residual>/confirm/",
        api_risk.ResidualConfirmation.as_view(),
        name="api-residual-confirm",
    ),
    path("risk-questionnaire/", api_risk.RiskQuestionnaire.as_view(), name="api-questionnaire"),
    path("datasets/", api_datasets.DatasetList.as_view(), name="api-datasets"),
    path("datasets/<int:pk>/", api_datasets.DatasetDetail.as_view(), name="api-dataset"),
]
