from django.urls import path

from governance.approvals import delegation_views, policy_views, standing_views, views

app_name = "approvals"
urlpatterns = [
    path("changes/", views.change_list, name="list"),
    path("changes/policies/", policy_views.policies, name="policies"),
    path("changes/policies/simulate/", policy_views.simulation, name="simulate"),
    path("changes/policies/<slug:kind>/<slug:tier>/", policy_views.policy, name="policy"),
    path("changes/<int:pk>/", views.change_detail, name="detail"),
    path("changes/<int:pk>/decide/", views.decide, name="decide"),
    path("changes/<int:pk>/comment/", views.comment, name="comment"),
    path("changes/<int:pk>/withdraw/", views.withdraw, name="withdraw"),
    path("changes/<int:pk>/revise/", views.revise, name="revise"),
    path("approvals/", standing_views.approval_list, name="standing"),
    path("approvals/conditions/", standing_views.condition_list, name="conditions"),
    path("approvals/conditions/<int:pk>/meet/", standing_views.meet, name="meet"),
    path("approvals/delegations/", delegation_views.delegation_list, name="delegations"),
    path("approvals/delegations/<int:pk>/end/", delegation_views.end, name="end_delegation"),
    path("approvals/<int:pk>/", standing_views.approval_detail, name="approval"),
    path("approvals/<int:pk>/<slug:action>/", standing_views.end, name="end"),
]
