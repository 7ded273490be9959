from django.urls import path

from telemetry.savings import api

urlpatterns = [
    path("savings/", api.Savings.as_view(), name="api-savings"),
    path("savings/compute/", api.Compute.as_view(), name="api-savings-compute"),
]
