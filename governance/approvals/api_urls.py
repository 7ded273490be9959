from django.urls import path

from governance.approvals import api

urlpatterns = [
    path("change-requests/", api.ChangeList.as_view(), name="api-changes"),
    path("change-requests/<int:pk>/", api.ChangeDetail.as_view(), name="api-change"),
    path(
        "change-requests/<int:pk>/decisions/", api.ChangeDecide.as_view(), name="api-change-decide"
    ),
]
