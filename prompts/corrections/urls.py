from django.urls import path

from prompts.corrections import rule_views, views

app_name = "corrections"
urlpatterns = [
    path("corrections/", views.correction_list, name="list"),
    path(
        "prompts/<slug:slug>/revision-rule/",
        rule_views.set_revision_rule,
        name="revision-rule",
    ),
    path("corrections/export/", views.export, name="new-export"),
    path("corrections/<int:pk>/", views.correction_detail, name="detail"),
    path("corrections/<int:pk>/promote/", views.promote_case, name="promote"),
    path("corrections/exports/<uuid:pk>/", views.export_detail, name="export"),
    path("corrections/exports/<uuid:pk>/cancel/", views.cancel, name="cancel-export"),
    path("corrections/exports/<uuid:pk>/download/", views.download, name="download"),
]
