from django.urls import path

from prompts.catalogue import api

urlpatterns = [
    path("prompts/", api.PromptList.as_view(), name="api-prompts"),
    path("prompts/<slug:slug>/", api.PromptDetail.as_view(), name="api-prompt"),
    path("prompts/<slug:slug>/versions/", api.VersionList.as_view(), name="api-versions"),
    path(
        "prompts/<slug:slug>/versions/<int:number>/",
        api.VersionDetail.as_view(),
        name="api-version",
    ),
    path(
        "prompts/<slug:slug>/versions/<int:number>/render/",
        api.VersionRender.as_view(),
        name="api-render",
    ),
    path("prompts/<slug:slug>/diff/", api.VersionDiff.as_view(), name="api-diff"),
]
