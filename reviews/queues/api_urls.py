from django.urls import path

from reviews.queues import api

urlpatterns = [
    path("queues/", api.QueueList.as_view(), name="api-queues"),
    path("queues/<slug:slug>/", api.QueueDetail.as_view(), name="api-queue"),
    path("queues/<slug:slug>/claim/", api.QueueClaim.as_view(), name="api-queue-claim"),
    path("review-items/", api.ItemList.as_view(), name="api-review-items"),
    path("review-items/<uuid:pk>/", api.ItemDetail.as_view(), name="api-review-item"),
    path("review-items/<uuid:pk>/renew/", api.ItemRenew.as_view(), name="api-review-renew"),
    path("review-items/<uuid:pk>/skip/", api.ItemSkip.as_view(), name="api-review-skip"),
]
