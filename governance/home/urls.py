from django.urls import path

from governance.home import views

app_name = "home"
urlpatterns = [
    path("", views.index, name="index"),
    path("notifications/", views.notifications, name="notifications"),
    path("help/", views.help_page, name="help"),
    path("help/errors/", views.help_errors, name="help-errors"),
    path("theme/", views.theme, name="theme"),
]
