from django.urls import path

from telemetry.webhooks import api

urlpatterns = [
    path("webhooks/", api.EndpointList.as_view(), name="api-webhooks"),
    path("webhooks/<int:pk>/", api.EndpointDetail.as_view(), name="api-webhook"),
    path("webhooks/<int:pk>/rotate/", api.EndpointRotate.as_view(), name="api-webhook-rotate"),
    path("webhooks/<int:pk>/test/", api.EndpointTest.as_view(), name="api-webhook-test"),
    path(
        "webhooks/<int:pk>/deliveries/", api.DeliveryList.as_view(), name="api-webhook-deliveries"
    ),
    path(
        "webhooks/<int:pk>/again/<uuid:delivery>/",
        api.DeliveryAgain.as_view(),
        name="api-webhook-again",
    ),
]
