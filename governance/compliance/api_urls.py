from django.urls import path

from governance.compliance import api, library_api

urlpatterns = [
    path("policy-documents/", library_api.DocumentList.as_view(), name="api-policy-documents"),
    path(
        "policy-documents/<slug:slug>/",
        library_api.DocumentDetail.as_view(),
        name="api-policy-document",
    ),
    path(
        "policy-documents/<slug:slug>/acknowledge/",
        library_api.DocumentAcknowledge.as_view(),
        name="api-policy-document-acknowledge",
    ),
    path(
        "policy-documents/<slug:slug>/readers/",
        library_api.DocumentReaders.as_view(),
        name="api-policy-document-readers",
    ),
    path("frameworks/", api.FrameworkList.as_view(), name="api-frameworks"),
    path("frameworks/<slug:slug>/controls/", api.ControlList.as_view(), name="api-controls"),
    path("compliance-actions/", api.ActionList.as_view(), name="api-compliance-actions"),
    path(
        "compliance-actions/<int:pk>/done/",
        api.ActionFinish.as_view(),
        name="api-compliance-action-done",
    ),
]
