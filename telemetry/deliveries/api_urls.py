from django.urls import path

from telemetry.deliveries import api

urlpatterns = [
    path("deliveries/", api.ScheduleList.as_view(), name="api-deliveries"),
    path("deliveries/<int:pk>/", api.ScheduleDetail.as_view(), name="api-delivery"),
    path("deliveries/<int:pk>/history/", api.History.as_view(), name="api-delivery-history"),
    path("deliveries/<int:pk>/now/", api.SendNow.as_view(), name="api-delivery-now"),
    path(
        "deliveries/<int:pk>/again/<uuid:delivery>/",
        api.SendAgain.as_view(),
        name="api-delivery-again",
    ),
    path("deliveries/files/<uuid:pk>/", api.DeliveredFile.as_view(), name="api-delivery-file"),
]
