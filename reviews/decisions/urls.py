from django.urls import path

from reviews.decisions import views

app_name = "decisions"
urlpatterns = [
    path("reviews/items/<uuid:pk>/", views.item, name="item"),
    path("reviews/items/<uuid:pk>/decide/", views.decide, name="decide"),
    path("reviews/items/<uuid:pk>/renew/", views.renew, name="renew"),
    path("reviews/items/<uuid:pk>/release/", views.release, name="release"),
    path("reviews/items/<uuid:pk>/claim/", views.claim, name="claim"),
    path("reviews/<slug:slug>/next/", views.next_item, name="next"),
]
