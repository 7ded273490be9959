from django.urls import path

from reviews.decisions import api, later_api

urlpatterns = [
    path("review-items/<uuid:pk>/decide/", api.ItemDecide.as_view(), name="api-review-decide"),
    path("review-items/<uuid:pk>/undo/", later_api.ItemUndo.as_view(), name="api-review-undo"),
    path("review-items/<uuid:pk>/alike/", later_api.ItemAlike.as_view(), name="api-review-alike"),
    path(
        "review-decisions/<int:pk>/overturn/",
        later_api.DecisionOverturn.as_view(),
        name="api-review-overturn",
    ),
]
