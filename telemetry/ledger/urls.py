from django.urls import path

from telemetry.ledger import views

app_name = "ledger"
urlpatterns = [
    path("calls/", views.call_list, name="list"),
    path("calls/calls.csv", views.call_csv, name="csv"),
    path("calls/calls.jsonl", views.call_json_lines, name="json-lines"),
    path("calls/<uuid:pk>/", views.call_detail, name="detail"),
    path("calls/<uuid:pk>/bodies/", views.call_bodies, name="bodies"),
    path("calls/<uuid:pk>/proof/", views.call_proof, name="proof"),
]
