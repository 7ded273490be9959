from django.urls import path

from prompts.batches import results, views

app_name = "batches"
urlpatterns = [
    path("batches/", views.batch_list, name="list"),
    path("batches/new/", views.new_batch, name="new"),
    path("batches/<uuid:pk>/", views.batch_detail, name="detail"),
    path("batches/<uuid:pk>/pause/", views.pause, name="pause"),
    path("batches/<uuid:pk>/resume/", views.resume, name="resume"),
    path("batches/<uuid:pk>/cancel/", views.cancel, name="cancel"),
    path("batches/<uuid:pk>/results/", views.download, {"what": results.RESULTS}, name="results"),
    path("batches/<uuid:pk>/errors/", views.download, {"what": results.ERRORS}, name="errors"),
]
