from django.urls import path

from reviews.queues import views

app_name = "queues"
urlpatterns = [
    path("reviews/", views.queue_list, name="list"),
    path("reviews/<slug:slug>/", views.board, name="board"),
]
