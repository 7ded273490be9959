from django.urls import path

from telemetry.alerts import level_views, metrics_views, views

app_name = "alerts"
urlpatterns = [
    path("metrics", metrics_views.scrape, name="metrics"),
    path("alerts/", views.alert_list, name="list"),
    path("alerts/<int:pk>/acknowledge/", views.acknowledge, name="acknowledge"),
    path("alerts/<int:pk>/resolve/", views.resolve, name="resolve"),
    path("service-levels/", level_views.level_list, name="levels"),
    path("service-levels/new/", level_views.level_new, name="level-new"),
    path("service-levels/<int:pk>/", level_views.level_detail, name="level"),
    path("service-levels/<int:pk>/change/", level_views.level_change, name="level-change"),
    path("service-levels/<int:pk>/switch/", level_views.level_switch, name="level-switch"),
]
