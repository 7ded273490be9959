from django.urls import path, re_path

from prompts.gateway import entrances, health_views, limit_views, result_views, views

app_name = "gateway"
urlpatterns = [
    re_path(r"^v1/(?P<rest>[\s\S]*)$", entrances.serve, name="v1"),
    path("use-cases/<slug:slug>/results/", result_views.set_results, name="results"),
    path("use-cases/<slug:slug>/limits/", limit_views.set_limits, name="limits"),
    path("models/health/", health_views.health, name="health"),
    path(
        "models/deployments/<slug:slug>/health/",
        health_views.deployment_health,
        name="deployment-health",
    ),
    path("models/deployments/<slug:slug>/circuit/", health_views.move_circuit, name="move-circuit"),
    path("try/", views.try_it, name="try"),
]
