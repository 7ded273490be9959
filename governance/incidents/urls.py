from django.urls import path

from governance.incidents import views

app_name = "incidents"
urlpatterns = [
    path("incidents/", views.incident_list, name="list"),
    path("incidents/declare/", views.declare, name="declare"),
    path("incidents/<int:pk>/", views.detail, name="detail"),
    path("incidents/<int:pk>/move/", views.move, name="move"),
    path("incidents/<int:pk>/contain/", views.contain, name="contain"),
    path("incidents/<int:pk>/steps/<int:step>/", views.step, name="step"),
    path("incidents/<int:pk>/undo/<int:containment>/", views.undo, name="undo"),
]
