from django.urls import path

from governance.model_cards import (
    deployment_views,
    interchange_views,
    price_views,
    rate_views,
    vendor_views,
    views,
)

app_name = "model_cards"
urlpatterns = [
    path("models/", views.model_list, name="list"),
    path("models/cards/new/", views.card_new, name="card-new"),
    path("models/cards/import/", interchange_views.card_import, name="card-import"),
    path("models/cards/<int:pk>/", views.card_detail, name="card"),
    path("models/cards/<int:pk>/markdown/", interchange_views.card_markdown, name="card-markdown"),
    path(
        "models/cards/<int:pk>/cyclonedx/", interchange_views.card_cyclonedx, name="card-cyclonedx"
    ),
    path("models/cards/<int:pk>/edit/", views.card_edit, name="card-edit"),
    path("models/cards/<int:pk>/new-version/", views.card_version, name="card-version"),
    path("models/cards/<int:pk>/withdraw/", views.card_withdraw, name="card-withdraw"),
    path("models/cards/<int:pk>/propose/", views.propose_card, name="propose-card"),
    path("models/vendors/", vendor_views.vendor_list, name="vendors"),
    path("models/vendors/new/", vendor_views.vendor_new, name="vendor-new"),
    path("models/vendors/<slug:slug>/", vendor_views.vendor_detail, name="vendor"),
    path("models/vendors/<slug:slug>/propose/", vendor_views.vendor_propose, name="vendor-propose"),
    path("models/new-deployment/", deployment_views.deployment_new, name="deployment-new"),
    path("models/deployments/<slug:slug>/", deployment_views.deployment_detail, name="deployment"),
    path(
        "models/deployments/<slug:slug>/change/",
        deployment_views.deployment_change,
        name="deployment-change",
    ),
    path(
        "models/deployments/<slug:slug>/running/",
        deployment_views.deployment_running,
        name="deployment-running",
    ),
    path(
        "models/deployments/<slug:slug>/propose/",
        deployment_views.propose_deployment,
        name="propose-deployment",
    ),
    path("models/deployments/<slug:slug>/switch/", deployment_views.switch, name="switch"),
    path("models/deployments/<slug:slug>/prices/", price_views.price_page, name="prices"),
    path(
        "models/deployments/<slug:slug>/prices/import/",
        price_views.price_import,
        name="prices-import",
    ),
    path(
        "models/deployments/<slug:slug>/prices/table/",
        price_views.price_comparison,
        name="price-table",
    ),
    path("models/rates/", rate_views.rate_list, name="rates"),
    path("models/rates/<int:pk>/correct/", rate_views.rate_correct, name="rate-correct"),
]
