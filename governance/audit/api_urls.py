from django.urls import path

from governance.audit import api

urlpatterns = [
    path("audit/events/", api.EventList.as_view(), name="api-audit-events"),
    path("audit/checkpoints/latest/", api.LatestCheckpoint.as_view(), name="api-checkpoint"),
    path("audit/proofs/<uuid:pk>/", api.Proof.as_view(), name="api-audit-proof"),
]
