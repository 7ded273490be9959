from django.urls import path, re_path

from prompts.gateway import entrances, result_views, views

app_name = "gateway"
urlpatterns = [
    re_path(r"^v1/(?P<rest>.*)$", entrances.serve, name="v1"),
    path("use-cases/<slug:slug>/results/", result_views.set_results, name="results"),
    path("try/", views.try_it, name="try"),
]
