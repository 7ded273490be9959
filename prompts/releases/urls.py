from django.urls import path

from prompts.releases import views

app_name = "releases"
urlpatterns = [
    path("prompts/<slug:slug>/release/", views.propose, name="propose"),
    path("releases/<int:pk>/", views.detail, name="detail"),
    path("releases/<int:pk>/end/", views.end, name="end"),
    path("releases/<int:pk>/roll-back/", views.roll_back, name="roll-back"),
]
