from django.urls import path

from reviews.board import api

urlpatterns = [
    path("queues/<slug:slug>/board/", api.QueueBoard.as_view(), name="api-queue-board"),
    path("queues/<slug:slug>/rebalance/", api.QueueRebalance.as_view(), name="api-rebalance"),
]
