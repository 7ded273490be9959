from django.urls import path

from prompts.gateway import api, health_api, result_views

urlpatterns = [
    path("calls/", api.CallCreate.as_view(), name="api-calls"),
    path("calls/<uuid:pk>/", api.CallDetail.as_view(), name="api-call"),
    path("calls/<uuid:pk>/cancel/", api.CallCancel.as_view(), name="api-call-cancel"),
    path("deployment-health/", health_api.HealthList.as_view(), name="api-health"),
    path(
        "deployments/<slug:slug>/health/",
        health_api.DeploymentHealth.as_view(),
        name="api-deployment-health",
    ),
    path(
        "deployments/<slug:slug>/circuit/",
        health_api.DeploymentCircuit.as_view(),
        name="api-deployment-circuit",
    ),
    path(
        "use-cases/<slug:slug>/limits/",
        health_api.UseCaseLimits.as_view(),
        name="api-use-case-limits",
    ),
    path(
        "use-cases/<slug:slug>/result-policy/",
        result_views.UseCaseResultPolicy.as_view(),
        name="api-result-policy",
    ),
]
