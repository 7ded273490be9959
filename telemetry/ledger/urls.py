from django.urls import path

from telemetry.ledger import keeping_views, views

app_name = "ledger"
urlpatterns = [
    path("calls/", views.call_list, name="list"),
    path("calls/calls.csv", views.call_csv, name="csv"),
    path("calls/calls.jsonl", views.call_json_lines, name="json-lines"),
    path("calls/<uuid:pk>/", views.call_detail, name="detail"),
    path("calls/<uuid:pk>/bodies/", views.call_bodies, name="bodies"),
    path("calls/<uuid:pk>/proof/", views.call_proof, name="proof"),
    path("legal-holds/", keeping_views.hold_list, name="holds"),
    path("legal-holds/new/", keeping_views.new_hold, name="hold-new"),
    path("legal-holds/<int:pk>/", keeping_views.hold_detail, name="hold"),
    path("erasures/", keeping_views.erasure_list, name="erasures"),
    path("erasures/new/", keeping_views.new_erasure, name="erasure-new"),
    path("erasures/<uuid:pk>/", keeping_views.erasure_detail, name="erasure"),
    path(
        "erasures/<uuid:pk>/certificate/",
        keeping_views.erasure_certificate,
        name="erasure-certificate",
    ),
]
