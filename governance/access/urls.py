from django.urls import path

from governance.access import views

app_name = "access"
urlpatterns = [
    path("people/", views.people, name="people"),
    path("people/add/", views.add_person, name="add-person"),
    path("people/keys/", views.keys, name="keys"),
    path("people/keys/<int:pk>/rotate/", views.rotate, name="rotate-key"),
    path("people/keys/<int:pk>/revoke/", views.revoke_key, name="revoke-key"),
    path("people/<int:pk>/", views.person, name="person"),
    path("people/<int:pk>/grant/", views.grant, name="grant"),
    path("people/<int:pk>/deactivate/", views.deactivate, name="deactivate"),
    path("people/<int:pk>/revoke/<int:grant>/", views.revoke, name="revoke"),
]
