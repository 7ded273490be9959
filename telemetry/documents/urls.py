from django.urls import path

from telemetry.documents import views

app_name = "documents"
urlpatterns = [
    path("chargeback/usage.xlsx", views.usage_xlsx, name="usage-xlsx"),
    path("chargeback/usage-focus.csv", views.usage_focus, name="usage-focus"),
    path("chargeback/focus/", views.focus_mapping, name="focus"),
    path("chargeback/<slug:team>/<month:month>/download/", views.statement, name="statement"),
]
