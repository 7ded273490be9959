from django.urls import path, register_converter

from telemetry.chargeback import (
    adjustment_views,
    closing_views,
    commitment_views,
    proposal_views,
    views,
    what_if_views,
)
from telemetry.chargeback.views import MonthConverter

register_converter(MonthConverter, "month")

app_name = "chargeback"
urlpatterns = [
    path("chargeback/", views.overview, name="overview"),
    path("chargeback/usage.csv", views.usage_csv, name="usage-csv"),
    path("chargeback/statements/", views.statement_list, name="statements"),
    path("chargeback/what-if/", what_if_views.what_if_page, name="what-if"),
    path("chargeback/adjustments/", adjustment_views.adjustment_list, name="adjustments"),
    path("chargeback/adjustments/new/", adjustment_views.adjustment_new, name="adjustment-new"),
    path("chargeback/commitments/", commitment_views.commitment_list, name="commitments"),
    path("chargeback/budgets/", views.budget_list, name="budgets"),
    path("chargeback/budgets/new/", proposal_views.budget_new, name="budget-new"),
    path("chargeback/budgets/<int:pk>/", views.budget_detail, name="budget"),
    path("chargeback/suspense/<uuid:call>/<int:attempt>/", views.suspense_resolve, name="suspense"),
    path("chargeback/<slug:team>/<month:month>/", views.statement, name="statement"),
    path(
        "chargeback/<slug:team>/<month:month>/statement.csv",
        views.statement_csv,
        name="statement-csv",
    ),
    path("chargeback/<slug:team>/<month:month>/move/", views.statement_move, name="statement-move"),
    path("month-end/", closing_views.months, name="month-ends"),
    path("month-end/<month:month>/", closing_views.month_end, name="month-end"),
    path("month-end/<month:month>/begin/", closing_views.begin_all, name="month-end-begin"),
    path("month-end/<month:month>/close/", closing_views.close_all, name="month-end-close"),
    path("month-end/runs/<int:pk>/", closing_views.run, name="closing-run"),
    path("month-end/seals/<int:pk>/", closing_views.seal, name="seal"),
    path("chargeback/<slug:team>/<month:month>/reopen/", closing_views.reopen, name="reopen"),
]
