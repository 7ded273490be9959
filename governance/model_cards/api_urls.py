from django.urls import path

from governance.model_cards import (
    api,
    deployment_api,
    interchange_api,
    price_api,
    rate_api,
    vendor_api,
)

urlpatterns = [
    path("model-cards/", api.CardList.as_view(), name="api-model-cards"),
    path("model-cards/<int:pk>/", api.CardDetail.as_view(), name="api-model-card"),
    path("model-cards/import/", interchange_api.CardImport.as_view(), name="api-model-card-import"),
    path(
        "model-cards/<int:pk>/markdown/",
        interchange_api.CardMarkdown.as_view(),
        name="api-model-card-markdown",
    ),
    path(
        "model-cards/<int:pk>/cyclonedx/",
        interchange_api.CardCycloneDx.as_view(),
        name="api-model-card-cyclonedx",
    ),
    path(
        "model-cards/<int:pk>/versions/", api.CardVersion.as_view(), name="api-model-card-versions"
    ),
    path(
        "model-cards/<int:pk>/propose/", api.CardProposal.as_view(), name="api-model-card-propose"
    ),
    path(
        "model-cards/<int:pk>/withdraw/",
        api.CardWithdrawal.as_view(),
        name="api-model-card-withdraw",
    ),
    path("deployments/", deployment_api.DeploymentList.as_view(), name="api-deployments"),
    path(
        "deployments/<slug:slug>/",
        deployment_api.DeploymentDetail.as_view(),
        name="api-deployment",
    ),
    path(
        "deployments/<slug:slug>/propose/",
        deployment_api.DeploymentProposal.as_view(),
        name="api-deployment-propose",
    ),
    path(
        "deployments/<slug:slug>/suspend/",
        deployment_api.Suspension.as_view(),
        name="api-deployment-suspend",
    ),
    path(
        "deployments/<slug:slug>/resume/",
        deployment_api.Resumption.as_view(),
        name="api-deployment-resume",
    ),
    path("vendors/", vendor_api.VendorList.as_view(), name="api-vendors"),
    path("vendors/<slug:slug>/", vendor_api.VendorDetail.as_view(), name="api-vendor"),
    path("prices/", price_api.PriceList.as_view(), name="api-prices"),
    path("prices/import/", price_api.PriceImport.as_view(), name="api-prices-import"),
    path("prices/proposals/", price_api.PriceProposals.as_view(), name="api-prices-proposals"),
    path("prices/table/<slug:slug>/", price_api.PriceComparison.as_view(), name="api-prices-table"),
    path("rates/", rate_api.RateList.as_view(), name="api-rates"),
    path("rates/<int:pk>/correct/", rate_api.RateCorrection.as_view(), name="api-rate-correct"),
]
