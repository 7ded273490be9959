from django.urls import path

from telemetry.reconciliation import views

app_name = "reconciliation"
urlpatterns = [
    path("reconciliation/", views.files, name="files"),
    path("reconciliation/upload/", views.upload, name="upload"),
    path("reconciliation/<int:pk>/", views.file, name="file"),
    path("reconciliation/lines/<int:pk>/", views.line, name="line"),
    path("reconciliation/lines/<int:pk>/resolve/", views.line_resolve, name="resolve"),
]
