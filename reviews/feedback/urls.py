from django.urls import path

from reviews.feedback import views

app_name = "feedback"
urlpatterns = [
    path("reviews/feedback/", views.feedback_list, name="list"),
    path("reviews/feedback/export/", views.export, name="export"),
    path("reviews/feedback/rules/", views.rule_list, name="rules"),
    path("reviews/feedback/rules/new/", views.new_rule, name="new-rule"),
    path("reviews/feedback/rules/<slug:slug>/", views.rule, name="rule"),
    path("reviews/feedback/rules/<slug:slug>/end/", views.end_rule, name="end-rule"),
    path("reviews/feedback/<uuid:pk>/", views.detail, name="detail"),
    path("reviews/feedback/<uuid:pk>/confirm/", views.confirm, name="confirm"),
]
