from django.urls import path

from reviews.board import api, capacity_api, hand_api

urlpatterns = [
    path("review-items/<uuid:pk>/hand/", hand_api.ItemHand.as_view(), name="api-review-hand"),
    path(
        "review-items/<uuid:pk>/give-back/",
        hand_api.ItemGiveBack.as_view(),
        name="api-review-give-back",
    ),
    path("queues/<slug:slug>/board/", api.QueueBoard.as_view(), name="api-queue-board"),
    path(
        "queues/<slug:slug>/capacities/",
        capacity_api.QueueCapacities.as_view(),
        name="api-queue-capacities",
    ),
    path("queues/<slug:slug>/rebalance/", api.QueueRebalance.as_view(), name="api-rebalance"),
]
