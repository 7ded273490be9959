from django.urls import path

from reviews.queues import api, guideline_api

urlpatterns = [
    path("queues/", api.QueueList.as_view(), name="api-queues"),
    path("queues/<slug:slug>/", api.QueueDetail.as_view(), name="api-queue"),
    path("queues/<slug:slug>/claim/", api.QueueClaim.as_view(), name="api-queue-claim"),
    path(
        "queues/<slug:slug>/guidelines/",
        guideline_api.GuidelineList.as_view(),
        name="api-guidelines",
    ),
    path(
        "queues/<slug:slug>/guidelines/<int:number>/acknowledge/",
        guideline_api.GuidelineAcknowledge.as_view(),
        name="api-guideline-acknowledge",
    ),
    path("review-items/", api.ItemList.as_view(), name="api-review-items"),
    path("review-items/next/", api.ItemNext.as_view(), name="api-review-next"),
    path("review-items/<uuid:pk>/", api.ItemDetail.as_view(), name="api-review-item"),
    path("review-items/<uuid:pk>/renew/", api.ItemRenew.as_view(), name="api-review-renew"),
    path("review-items/<uuid:pk>/skip/", api.ItemSkip.as_view(), name="api-review-skip"),
]
