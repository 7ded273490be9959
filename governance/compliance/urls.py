from django.urls import path

from governance.compliance import views

app_name = "compliance"
urlpatterns = [
    path("compliance/", views.index, name="index"),
    path("compliance/actions/", views.action_list, name="actions"),
    path("compliance/actions/<int:pk>/done/", views.finish, name="finish"),
    path("compliance/<slug:framework>/", views.framework, name="framework"),
    path("compliance/<slug:framework>/actions/", views.add_action, name="add-action"),
]
