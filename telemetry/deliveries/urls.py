from django.urls import path

from telemetry.deliveries import views

app_name = "deliveries"
urlpatterns = [
    path("deliveries/", views.schedule_list, name="list"),
    path("deliveries/new/", views.new_schedule, name="new"),
    path("deliveries/<int:pk>/", views.schedule_detail, name="detail"),
    path("deliveries/<int:pk>/turn/", views.turn, name="turn"),
    path("deliveries/<int:pk>/now/", views.send_now, name="now"),
    path("deliveries/<int:pk>/again/<uuid:delivery>/", views.send_again, name="again"),
    path("deliveries/files/<uuid:pk>/", views.file, name="file"),
]
