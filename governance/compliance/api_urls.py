from django.urls import path

from governance.compliance import api

urlpatterns = [
    path("frameworks/", api.FrameworkList.as_view(), name="api-frameworks"),
    path("frameworks/<slug:slug>/controls/", api.ControlList.as_view(), name="api-controls"),
    path("compliance-actions/", api.ActionList.as_view(), name="api-compliance-actions"),
    path(
        "compliance-actions/<int:pk>/done/",
        api.ActionFinish.as_view(),
        name="api-compliance-action-done",
    ),
]
