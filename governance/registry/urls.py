from django.urls import path

from governance.registry import dataset_views, intake, views

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
    path("datasets/", dataset_views.dataset_list, name="datasets"),
    path("datasets/new/", dataset_views.dataset_new, name="dataset-new"),
    path("datasets/<int:pk>/", dataset_views.dataset_detail, name="dataset"),
    path("datasets/<int:pk>/edit/", dataset_views.dataset_edit, name="dataset-edit"),
]
