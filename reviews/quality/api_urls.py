from django.urls import path

from reviews.quality import api

urlpatterns = [
    path("queues/<slug:slug>/quality/", api.QueueQuality.as_view(), name="api-queue-quality"),
    path(
        "queues/<slug:slug>/quality/settings/",
        api.QueueQualitySettings.as_view(),
        name="api-queue-quality-settings",
    ),
    path(
        "queues/<slug:slug>/calibrations/",
        api.QueueCalibrations.as_view(),
        name="api-calibrations",
    ),
    path(
        "queues/<slug:slug>/calibrations/<int:calibration>/retire/",
        api.CalibrationRetire.as_view(),
        name="api-calibration-retire",
    ),
    path("adjudications/", api.AdjudicationList.as_view(), name="api-adjudications"),
    path("adjudications/<uuid:pk>/", api.Adjudication.as_view(), name="api-adjudication"),
    path("review-rates/", api.RateList.as_view(), name="api-review-rates"),
    path("my-reviews/", api.Mine.as_view(), name="api-my-reviews"),
]
