from django.urls import path

from telemetry.ledger import api, keeping_api

urlpatterns = [
    path("ledger/", api.EntryList.as_view(), name="api-ledger"),
    path("legal-holds/", keeping_api.LegalHoldList.as_view(), name="api-legal-holds"),
    path("legal-holds/count/", keeping_api.LegalHoldCount.as_view(), name="api-legal-hold-count"),
    path("legal-holds/<int:pk>/", keeping_api.LegalHoldDetail.as_view(), name="api-legal-hold"),
    path(
        "legal-holds/<int:pk>/lift/",
        keeping_api.LegalHoldLift.as_view(),
        name="api-legal-hold-lift",
    ),
    path("erasures/", keeping_api.ErasureList.as_view(), name="api-erasures"),
    path("erasures/count/", keeping_api.ErasureCount.as_view(), name="api-erasure-count"),
    path("erasures/<uuid:pk>/", keeping_api.ErasureDetail.as_view(), name="api-erasure"),
    path(
        "erasures/<uuid:pk>/certificate/",
        keeping_api.ErasureCertificate.as_view(),
        name="api-erasure-certificate",
    ),
]
