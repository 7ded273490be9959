from django.urls import path

from governance.audit import views

app_name = "audit"
urlpatterns = [
    path("audit/", views.index, name="index"),
    path("audit/packs/new/", views.request_pack, name="request-pack"),
    path("audit/packs/<uuid:pk>/", views.pack, name="pack"),
    path("audit/packs/<uuid:pk>/cancel/", views.cancel, name="cancel"),
    path("audit/packs/<uuid:pk>/download/", views.download, name="download"),
    path("audit/events/", views.events, name="events"),
    path("audit/events/<uuid:pk>/", views.event, name="event"),
]
