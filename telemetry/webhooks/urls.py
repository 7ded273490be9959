from django.urls import path

from telemetry.webhooks import views

app_name = "webhooks"
urlpatterns = [
    path("webhooks/", views.endpoint_list, name="list"),
    path("webhooks/new/", views.new_endpoint, name="new"),
    path("webhooks/<int:pk>/", views.endpoint_detail, name="detail"),
    path("webhooks/<int:pk>/rotate/", views.rotate, name="rotate"),
    path("webhooks/<int:pk>/test/", views.send_test, name="test"),
    path("webhooks/<int:pk>/again/<uuid:delivery>/", views.send_again, name="again"),
]
