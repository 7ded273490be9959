from django.urls import path

from governance.registry import dataset_views, intake, risk_views, views

app_name = "registry"
urlpatterns = [
    path("use-cases/", views.use_case_list, name="list"),
    path("use-cases/map/", views.portfolio_map, name="map"),
    path("use-cases/new/", intake.new, name="new"),
    path("use-cases/<slug:slug>/", views.detail, name="detail"),
    path("use-cases/<slug:slug>/intake/<slug:step>/", intake.step, name="step"),
    path("use-cases/<slug:slug>/propose/", views.propose, name="propose"),
    path("use-cases/<slug:slug>/hand-over/", views.hand_over, name="hand-over"),
    path("use-cases/<slug:slug>/metrics/", views.add_metric, name="add-metric"),
    path("use-cases/<slug:slug>/metrics/<int:metric>/", views.measure, name="measure"),
    path("use-cases/<slug:slug>/checklist/<int:item>/", views.tick, name="tick"),
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
    path("datasets/", dataset_views.dataset_list, name="datasets"),
    path("datasets/new/", dataset_views.dataset_new, name="dataset-new"),
    path("datasets/<int:pk>/", dataset_views.dataset_detail, name="dataset"),
    path("datasets/<int:pk>/edit/", dataset_views.dataset_edit, name="dataset-edit"),
]
