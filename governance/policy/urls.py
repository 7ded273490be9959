from django.urls import path

from governance.policy import rule_views, views

app_name = "policy"
urlpatterns = [
    path("policy/", views.overview, name="overview"),
    path("policy/rules/", rule_views.rule_set_list, name="rule-sets"),
    path("policy/rules/try/", rule_views.try_rules, name="try-rules"),
    path("policy/rules/<slug:slug>/", rule_views.rule_set, name="rule-set"),
]
