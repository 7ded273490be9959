from django.urls import path

from governance.home import absence_views, views

app_name = "home"
urlpatterns = [
    path("", views.index, name="index"),
    path("notifications/", views.notifications, name="notifications"),
    path("absences/", absence_views.absence_list, name="absences"),
    path("absences/<int:pk>/end/", absence_views.end, name="end-absence"),
    path("help/", views.help_page, name="help"),
    path("help/errors/", views.help_errors, name="help-errors"),
    path("theme/", views.theme, name="theme"),
]
