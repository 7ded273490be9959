from django.urls import path

from governance.registry import api

urlpatterns = [
    path("use-cases/", api.UseCaseList.as_view(), name="api-use-cases"),
    path("use-cases/<slug:slug>/", api.UseCaseDetail.as_view(), name="api-use-case"),
]
