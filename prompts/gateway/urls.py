from django.urls import path, re_path

from prompts.gateway import entrances, views

app_name = "gateway"
urlpatterns = [
    path("v1/chat/completions", entrances.chat_completions, name="chat"),
    path("v1/models", entrances.models, name="models"),
    re_path(r"^v1/(?P<rest>.*)$", entrances.unknown, name="unknown"),
    path("try/", views.try_it, name="try"),
]
