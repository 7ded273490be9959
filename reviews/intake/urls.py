from django.urls import path

from reviews.intake import views

app_name = "intake"
urlpatterns = [
    path("reviews/intake/", views.rule_list, name="list"),
    path("reviews/intake/new/", views.new, name="new"),
    path("reviews/intake/verify/", views.verify, name="verify"),
    path("reviews/intake/<slug:slug>/", views.rule, name="rule"),
    path("reviews/intake/<slug:slug>/end/", views.end, name="end"),
]
