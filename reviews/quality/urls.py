from django.urls import path

from reviews.quality import views

app_name = "quality"
urlpatterns = [
    path("reviews/mine/", views.mine, name="mine"),
    path("reviews/rates/", views.rates, name="rates"),
    path("reviews/adjudications/", views.adjudications, name="adjudications"),
    path("reviews/adjudications/<uuid:pk>/", views.adjudication, name="adjudication"),
    path("reviews/calibration/<uuid:pk>/", views.answer, name="answer"),
    path("reviews/<slug:slug>/quality/", views.quality, name="queue"),
    path("reviews/<slug:slug>/quality.csv", views.quality_csv, name="queue-csv"),
    path("reviews/<slug:slug>/quality/settings/", views.settings, name="settings"),
    path("reviews/<slug:slug>/calibration/", views.calibration, name="calibration"),
    path("reviews/<slug:slug>/calibration/<int:calibration>/retire/", views.retire, name="retire"),
]
