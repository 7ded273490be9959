from django.urls import path

from telemetry.drift import views

app_name = "drift"
urlpatterns = [
    path("drift/", views.monitor_list, name="list"),
    path("drift/new/", views.monitor_new, name="new"),
    path("drift/<int:pk>/", views.monitor_detail, name="detail"),
    path("drift/<int:pk>/result/", views.monitor_result, name="result"),
    path("drift/<int:pk>/change/", views.monitor_change, name="change"),
    path("drift/<int:pk>/switch/", views.monitor_switch, name="switch"),
    path("drift/<int:pk>/run/", views.monitor_run, name="run"),
]
