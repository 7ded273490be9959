from django.urls import path

from telemetry.allocation import views

app_name = "allocation"
urlpatterns = [
    path("allocation/", views.rules, name="rules"),
    path("allocation/new/", views.rule_new, name="new"),
    path("allocation/rules/<slug:slug>/", views.rule, name="rule"),
    path("allocation/rules/<slug:slug>/change/", views.rule_change, name="change"),
    path("allocation/rules/<slug:slug>/<month:month>/", views.month, name="month"),
    path("allocation/rules/<slug:slug>/<month:month>/book/", views.book, name="book"),
]
