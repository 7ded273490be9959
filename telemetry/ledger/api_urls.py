from django.urls import path

from telemetry.ledger import api

urlpatterns = [path("ledger/", api.EntryList.as_view(), name="api-ledger")]
