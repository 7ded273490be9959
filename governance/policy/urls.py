from django.urls import path

from governance.policy import views

app_name = "policy"
urlpatterns = [path("policy/", views.overview, name="overview")]
