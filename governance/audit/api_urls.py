from django.urls import path

from governance.audit import api, packs_api

urlpatterns = [
    path("audit/events/", api.EventList.as_view(), name="api-audit-events"),
    path("audit/checkpoints/latest/", api.LatestCheckpoint.as_view(), name="api-checkpoint"),
    path("audit/proofs/<uuid:pk>/", api.Proof.as_view(), name="api-audit-proof"),
    path("audit/packs/", packs_api.PackList.as_view(), name="api-audit-packs"),
    path("audit/packs/<uuid:pk>/", packs_api.PackDetail.as_view(), name="api-audit-pack"),
    path("audit/packs/<uuid:pk>/cancel/", packs_api.PackCancel.as_view(), name="api-audit-cancel"),
    path(
        "audit/packs/<uuid:pk>/download/",
        packs_api.PackDownload.as_view(),
        name="api-audit-download",
    ),
]
