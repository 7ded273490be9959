from django.urls import path

from reviews.decisions import editor_views, later_views, views

app_name = "decisions"
urlpatterns = [
    path("reviews/items/<uuid:pk>/", views.item, name="item"),
    path("reviews/items/<uuid:pk>/decide/", views.decide, name="decide"),
    path("reviews/items/<uuid:pk>/undo/", views.undo, name="undo"),
    path("reviews/items/<uuid:pk>/edit/", editor_views.edit, name="edit"),
    path("reviews/items/<uuid:pk>/check/", editor_views.check, name="check"),
    path("reviews/items/<uuid:pk>/draft/", editor_views.draft, name="draft"),
    path("reviews/items/<uuid:pk>/alike/", later_views.decide_alike, name="alike"),
    path("reviews/items/<uuid:pk>/renew/", views.renew, name="renew"),
    path("reviews/items/<uuid:pk>/release/", views.release, name="release"),
    path("reviews/items/<uuid:pk>/claim/", views.claim, name="claim"),
    path("reviews/decisions/<int:pk>/overturn/", later_views.overturn, name="overturn"),
    path("reviews/<slug:slug>/next/", views.next_item, name="next"),
    path("reviews/<slug:slug>/alike/", later_views.groups, name="groups"),
]
