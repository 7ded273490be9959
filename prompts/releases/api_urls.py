from django.urls import path

from prompts.releases import api

urlpatterns = [
    path("releases/", api.ReleaseList.as_view(), name="api-releases"),
    path("releases/<int:pk>/", api.ReleaseDetail.as_view(), name="api-release"),
    path("releases/<int:pk>/end/", api.ReleaseEnd.as_view(), name="api-release-end"),
    path(
        "releases/<int:pk>/roll-back/",
        api.ReleaseRollBack.as_view(),
        name="api-release-roll-back",
    ),
    path("prompts/<slug:slug>/releases/", api.ReleasePropose.as_view(), name="api-release-propose"),
]
