from django.urls import path

from reviews.queues import guideline_views, views

app_name = "queues"
urlpatterns = [
    path("reviews/", views.queue_list, name="list"),
    path("reviews/new/", views.new, name="new"),
    path("reviews/next/", views.next_anywhere, name="next"),
    path("reviews/<slug:slug>/", views.board, name="board"),
    path("reviews/<slug:slug>/guideline/", guideline_views.guideline, name="guideline"),
    path("reviews/<slug:slug>/settings/", views.settings, name="settings"),
]
