from django.urls import path

from governance.incidents import views

app_name = "incidents"
urlpatterns = [
    path("incidents/", views.incident_list, name="list"),
    path("incidents/declare/", views.declare, name="declare"),
    path("incidents/playbooks/", views.playbook_list, name="playbooks"),
    path("incidents/<int:pk>/", views.detail, name="detail"),
    path("incidents/<int:pk>/move/", views.move, name="move"),
    path("incidents/<int:pk>/contain/", views.contain, name="contain"),
    path("incidents/<int:pk>/steps/<int:step>/", views.step, name="step"),
    path("incidents/<int:pk>/undo/<int:containment>/", views.undo, name="undo"),
    path("incidents/<int:pk>/classify/", views.classify, name="classify"),
    path("incidents/<int:pk>/commander/", views.commander, name="commander"),
    path("incidents/<int:pk>/clocks/<int:clock>/meet/", views.meet, name="meet"),
    path("incidents/<int:pk>/clocks/<int:clock>/waive/", views.waive, name="waive"),
    path("incidents/<int:pk>/actions/", views.add_action, name="add_action"),
    path("incidents/<int:pk>/actions/<int:action>/assign/", views.assign, name="assign"),
    path("incidents/<int:pk>/actions/<int:action>/done/", views.finish, name="finish"),
]
