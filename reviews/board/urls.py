from django.urls import path

from reviews.board import views

app_name = "board"
urlpatterns = [path("reviews/<slug:slug>/board/", views.board, name="board")]
