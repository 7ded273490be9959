from django.urls import path

from prompts.catalogue import views, writing

app_name = "catalogue"
urlpatterns = [
    path("prompts/", views.prompt_list, name="list"),
    path("prompts/new/", views.new, name="new"),
    path("prompts/<slug:slug>/", views.detail, name="detail"),
    path("prompts/<slug:slug>/new-version/", writing.new_version, name="new-version"),
    path("prompts/<slug:slug>/versions/<int:number>/", views.version, name="version"),
    path("prompts/<slug:slug>/diff/", views.diff, name="diff"),
]
