from django.urls import path

from telemetry.chargeback import (
    adjustment_api,
    api,
    closing_api,
    commitment_views,
    what_if_views,
)

urlpatterns = [
    path("what-if/", what_if_views.WhatIf.as_view(), name="api-what-if"),
    path("commitments/", commitment_views.Commitments.as_view(), name="api-commitments"),
    path("adjustments/", adjustment_api.AdjustmentList.as_view(), name="api-adjustments"),
    path("budgets/", api.BudgetList.as_view(), name="api-budgets"),
    path("budgets/<int:pk>/", api.BudgetDetail.as_view(), name="api-budget"),
    path("budgets/<int:pk>/propose/", api.BudgetPropose.as_view(), name="api-budget-propose"),
    path("statements/", api.StatementList.as_view(), name="api-statements"),
    path("statements/begin-closing/", api.StatementBegin.as_view(), name="api-statement-begin"),
    path("statements/<int:pk>/", api.StatementDetail.as_view(), name="api-statement"),
    path("statements/<int:pk>/close/", api.StatementClose.as_view(), name="api-statement-close"),
    path("statements/<int:pk>/seals/", closing_api.Seals.as_view(), name="api-statement-seals"),
    path("statements/<int:pk>/reopen/", closing_api.Reopen.as_view(), name="api-statement-reopen"),
    path("month-end/", closing_api.MonthEnd.as_view(), name="api-month-end"),
    path("month-end/begin/", closing_api.MonthEndBegin.as_view(), name="api-month-end-begin"),
    path("month-end/close/", closing_api.MonthEndClose.as_view(), name="api-month-end-close"),
    path("month-end/runs/<int:pk>/", closing_api.Run.as_view(), name="api-closing-run"),
]
