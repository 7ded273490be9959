from django.urls import path

from governance.registry import (
    checklist_views,
    dataset_views,
    disclosure_views,
    intake,
    portfolio_views,
    risk_views,
    round_views,
    scoring_model_views,
    views,
    worth_views,
)

app_name = "registry"
urlpatterns = [
    path("use-cases/", views.use_case_list, name="list"),
    path("use-cases/map/", portfolio_views.portfolio, name="map"),
    path("use-cases/scoring/", scoring_model_views.scoring_model, name="scoring-model"),
    path("use-cases/new/", intake.new, name="new"),
    path("use-cases/<slug:slug>/", views.detail, name="detail"),
    path("use-cases/<slug:slug>/intake/<slug:step>/", intake.step, name="step"),
    path("use-cases/<slug:slug>/propose/", views.propose, name="propose"),
    path("use-cases/<slug:slug>/hand-over/", views.hand_over, name="hand-over"),
    path("use-cases/<slug:slug>/metrics/", views.add_metric, name="add-metric"),
    path("use-cases/<slug:slug>/metrics/<int:metric>/", views.measure, name="measure"),
    path(
        "use-cases/<slug:slug>/metrics/<int:metric>/worth/",
        worth_views.declare_worth,
        name="declare-worth",
    ),
    path("use-cases/<slug:slug>/checklist/<int:item>/", checklist_views.item, name="item"),
    path(
        "use-cases/<slug:slug>/checklist/<int:item>/owner/",
        checklist_views.assign,
        name="assign-item",
    ),
    path(
        "use-cases/<slug:slug>/checklist/<int:item>/waiver/",
        checklist_views.waive,
        name="waive-item",
    ),
    path("use-cases/<slug:slug>/mitigations/", risk_views.add_mitigation, name="add-mitigation"),
    path(
        "use-cases/<slug:slug>/mitigations/<int:mitigation>/",
        risk_views.finish_mitigation,
        name="finish-mitigation",
    ),
    path("use-cases/<slug:slug>/residual/", risk_views.judge_residual, name="judge-residual"),
    path(
        "use-cases/<slug:slug>/residual/<int:residual>/",
        risk_views.confirm_residual,
        name="confirm-residual",
    ),
    path("disclosures/", disclosure_views.register, name="disclosures"),
    path(
        "use-cases/<slug:slug>/disclosures/",
        disclosure_views.disclosures_of,
        name="disclosures-of",
    ),
    path("use-cases/<slug:slug>/rounds/new/", round_views.new, name="round-new"),
    path("use-cases/<slug:slug>/rounds/<int:pk>/", round_views.detail, name="round"),
    path("datasets/", dataset_views.dataset_list, name="datasets"),
    path("datasets/new/", dataset_views.dataset_new, name="dataset-new"),
    path("datasets/<int:pk>/", dataset_views.dataset_detail, name="dataset"),
    path("datasets/<int:pk>/cards/", dataset_views.dataset_cards, name="dataset-cards"),
    path("datasets/<int:pk>/edit/", dataset_views.dataset_edit, name="dataset-edit"),
]
