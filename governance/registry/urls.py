from django.urls import path

from governance.registry import views

app_name = "registry"
urlpatterns = [
    path("use-cases/", views.use_case_list, name="list"),
    path("use-cases/map/", views.portfolio_map, name="map"),
    path("use-cases/new/", views.new, name="new"),
    path("use-cases/<slug:slug>/", views.detail, name="detail"),
    path("use-cases/<slug:slug>/intake/<slug:step>/", views.step, name="step"),
    path("use-cases/<slug:slug>/propose/", views.propose, name="propose"),
    path("use-cases/<slug:slug>/metrics/", views.add_metric, name="add-metric"),
    path("use-cases/<slug:slug>/metrics/<int:metric>/", views.measure, name="measure"),
    path("use-cases/<slug:slug>/checklist/<int:item>/", views.tick, name="tick"),
]
