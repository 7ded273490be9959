from django.urls import path

from reviews.board import capacity_views, hand_views, views

app_name = "board"
urlpatterns = [
    path("reviews/items/<uuid:pk>/hand/", hand_views.hand, name="hand"),
    path("reviews/items/<uuid:pk>/give-back/", hand_views.give_back, name="give-back"),
    path("reviews/<slug:slug>/capacities/", capacity_views.capacities, name="capacities"),
    path("reviews/<slug:slug>/board/", views.board, name="board"),
]
