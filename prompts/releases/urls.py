from django.urls import path

from prompts.releases import views

app_name = "releases"
urlpatterns = [
    path("prompts/<slug:slug>/release/", views.propose, name="propose"),
    path("releases/<int:pk>/end/", views.end, name="end"),
]
