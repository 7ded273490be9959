from django.urls import path

from telemetry.savings import views

app_name = "savings"
urlpatterns = [
    path("chargeback/savings/", views.overview, name="overview"),
    path("chargeback/savings/figures/", views.figures, name="figures"),
    path("chargeback/savings/compute/", views.compute, name="compute"),
]
