from django.urls import path

from prompts.batches import api, results

urlpatterns = [
    path("batches/", api.BatchList.as_view(), name="api-batches"),
    path("batches/<uuid:pk>/", api.BatchDetail.as_view(), name="api-batch"),
    path("batches/<uuid:pk>/pause/", api.BatchPause.as_view(), name="api-batch-pause"),
    path("batches/<uuid:pk>/resume/", api.BatchResume.as_view(), name="api-batch-resume"),
    path("batches/<uuid:pk>/cancel/", api.BatchCancel.as_view(), name="api-batch-cancel"),
    path(
        "batches/<uuid:pk>/results/",
        api.BatchFile.as_view(what=results.RESULTS),
        name="api-batch-results",
    ),
    path(
        "batches/<uuid:pk>/errors/",
        api.BatchFile.as_view(what=results.ERRORS),
        name="api-batch-errors",
    ),
]
