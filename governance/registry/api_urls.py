from django.urls import path

from governance.registry import (
    api,
    api_checklist,
    api_datasets,
    api_disclosures,
    api_lineage,
    api_metrics,
    api_risk,
    api_rounds,
    api_scoring_models,
    api_worth,
)

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
    path(f"{_ONE}metrics/<int:metric>/worths/", api_worth.WorthList.as_view(), name="api-worths"),
    path(f"{_ONE}return/", api_worth.ReturnNow.as_view(), name="api-return"),
    path(f"{_ONE}checklist/", api_checklist.ChecklistList.as_view(), name="api-checklist"),
    path(
        f"{_ONE}checklist/<int:item>/done/",
        api_checklist.ChecklistDone.as_view(),
        name="api-checklist-done",
    ),
    path(
        f"{_ONE}checklist/<int:item>/owner/",
        api_checklist.ChecklistOwner.as_view(),
        name="api-checklist-owner",
    ),
    path(
        f"{_ONE}checklist/<int:item>/waiver/",
        api_checklist.ChecklistWaiver.as_view(),
        name="api-checklist-waiver",
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
    path("disclosure/", api_disclosures.CurrentDisclosure.as_view(), name="api-disclosure"),
    path("disclosures/", api_disclosures.DisclosureList.as_view(), name="api-disclosures"),
    path(
        f"{_ONE}disclosures/",
        api_disclosures.UseCaseDisclosures.as_view(),
        name="api-disclosures-of",
    ),
    path(f"{_ONE}scoring-rounds/", api_rounds.RoundList.as_view(), name="api-rounds"),
    path(f"{_ONE}scoring-rounds/<int:round>/", api_rounds.RoundDetail.as_view(), name="api-round"),
    path(
        f"{_ONE}scoring-rounds/<int:round>/scores/",
        api_rounds.RoundHandIn.as_view(),
        name="api-round-scores",
    ),
    path(
        f"{_ONE}scoring-rounds/<int:round>/close/",
        api_rounds.RoundClose.as_view(),
        name="api-round-close",
    ),
    path(
        f"{_ONE}scoring-rounds/<int:round>/give-up/",
        api_rounds.RoundGiveUp.as_view(),
        name="api-round-give-up",
    ),
    path(
        f"{_ONE}scoring-rounds/<int:round>/consensus/",
        api_rounds.RoundConsensus.as_view(),
        name="api-round-consensus",
    ),
    path("scoring-models/", api_scoring_models.ModelList.as_view(), name="api-scoring-models"),
    path(
        "scoring-models/propose/",
        api_scoring_models.ModelPropose.as_view(),
        name="api-scoring-model-propose",
    ),
    path("risk-questionnaire/", api_risk.RiskQuestionnaire.as_view(), name="api-questionnaire"),
    path("datasets/", api_datasets.DatasetList.as_view(), name="api-datasets"),
    path("datasets/<int:pk>/lineage/", api_lineage.DatasetLineage.as_view(), name="api-lineage"),
    path(
        "datasets/<int:pk>/reopening/",
        api_lineage.DatasetReopening.as_view(),
        name="api-reopening",
    ),
    path("datasets/<int:pk>/", api_datasets.DatasetDetail.as_view(), name="api-dataset"),
]
