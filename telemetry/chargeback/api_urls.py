from django.urls import path

from telemetry.chargeback import api

urlpatterns = [
    path("budgets/", api.BudgetList.as_view(), name="api-budgets"),
    path("budgets/<int:pk>/", api.BudgetDetail.as_view(), name="api-budget"),
    path("budgets/<int:pk>/propose/", api.BudgetPropose.as_view(), name="api-budget-propose"),
    path("statements/", api.StatementList.as_view(), name="api-statements"),
    path("statements/begin-closing/", api.StatementBegin.as_view(), name="api-statement-begin"),
    path("statements/<int:pk>/", api.StatementDetail.as_view(), name="api-statement"),
    path("statements/<int:pk>/close/", api.StatementClose.as_view(), name="api-statement-close"),
]
