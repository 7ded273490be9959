from django.urls import path

from prompts.catalogue import views

app_name = "catalogue"
urlpatterns = [
    path("prompts/", views.prompt_list, name="list"),
    path("prompts/<slug:slug>/", views.detail, name="detail"),
    path("prompts/<slug:slug>/new-version/", views.new_version, name="new-version"),
    path("prompts/<slug:slug>/diff/", views.diff, name="diff"),
]
