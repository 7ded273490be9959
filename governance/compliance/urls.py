from django.urls import path

from governance.compliance import library_views, views

app_name = "compliance"
urlpatterns = [
    path("library/", library_views.shelf, name="library"),
    path("library/new/", library_views.document_new, name="document-new"),
    path("library/<slug:slug>/", library_views.document, name="document"),
    path("library/<slug:slug>/propose/", library_views.document_propose, name="document-propose"),
    path("library/<slug:slug>/acknowledge/", library_views.acknowledge, name="acknowledge"),
    path("library/<slug:slug>/readers/", library_views.document_readers, name="document-readers"),
    path(
        "library/<slug:slug>/versions/<int:number>/",
        library_views.document_version,
        name="document-version",
    ),
    path("compliance/", views.index, name="index"),
    path("compliance/ask-again/", views.ask_again, name="ask-again"),
    path("compliance/actions/", views.action_list, name="actions"),
    path("compliance/actions/<int:pk>/done/", views.finish, name="finish"),
    path("compliance/<slug:framework>/", views.framework, name="framework"),
    path("compliance/<slug:framework>/confirm/", views.confirm, name="confirm"),
    path("compliance/<slug:framework>/actions/", views.add_action, name="add-action"),
]
