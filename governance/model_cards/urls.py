from django.urls import path

from governance.model_cards import views

app_name = "model_cards"
urlpatterns = [
    path("models/", views.model_list, name="list"),
    path("models/cards/<int:pk>/", views.card_detail, name="card"),
    path("models/cards/<int:pk>/propose/", views.propose_card, name="propose-card"),
    path("models/deployments/<slug:slug>/", views.deployment_detail, name="deployment"),
    path(
        "models/deployments/<slug:slug>/propose/",
        views.propose_deployment,
        name="propose-deployment",
    ),
]
