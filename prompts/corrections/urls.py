from django.urls import path

from prompts.corrections import views

app_name = "corrections"
urlpatterns = [
    path("corrections/", views.correction_list, name="list"),
    path("corrections/export/", views.export, name="new-export"),
    path("corrections/<int:pk>/", views.correction_detail, name="detail"),
    path("corrections/exports/<uuid:pk>/", views.export_detail, name="export"),
    path("corrections/exports/<uuid:pk>/cancel/", views.cancel, name="cancel-export"),
    path("corrections/exports/<uuid:pk>/download/", views.download, name="download"),
]
