from django.urls import path

from reviews.questions import views

app_name = "questions"
urlpatterns = [
    path("reviews/items/<uuid:pk>/ask/", views.ask, name="ask"),
    path("reviews/questions/", views.question_list, name="list"),
    path("reviews/questions/<int:pk>/", views.question, name="question"),
    path("reviews/questions/<int:pk>/withdraw/", views.withdraw, name="withdraw"),
]
