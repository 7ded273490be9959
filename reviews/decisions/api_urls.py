from django.urls import path

from reviews.decisions import api

urlpatterns = [
    path("review-items/<uuid:pk>/decide/", api.ItemDecide.as_view(), name="api-review-decide"),
]
