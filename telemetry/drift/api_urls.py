from django.urls import path

from telemetry.drift import api

urlpatterns = [
    path("drift-monitors/", api.MonitorList.as_view(), name="api-drift-monitors"),
    path("drift-monitors/<int:pk>/", api.MonitorDetail.as_view(), name="api-drift-monitor"),
    path("drift-monitors/<int:pk>/run/", api.MonitorRun.as_view(), name="api-drift-run"),
    path("drift-monitors/<int:pk>/checks/", api.CheckList.as_view(), name="api-drift-checks"),
    path("drift-checks/<int:pk>/", api.CheckDetail.as_view(), name="api-drift-check"),
]
