from django.urls import path

from reviews.feedback import api

urlpatterns = [
    path("calls/<uuid:pk>/feedback/", api.CallFeedback.as_view(), name="api-call-feedback"),
    path("feedback/", api.FeedbackList.as_view(), name="api-feedback"),
    path("feedback/<uuid:pk>/", api.FeedbackDetail.as_view(), name="api-feedback-detail"),
    path("feedback/<uuid:pk>/confirm/", api.FeedbackConfirm.as_view(), name="api-feedback-confirm"),
    path("feedback-rules/", api.FeedbackRuleList.as_view(), name="api-feedback-rules"),
    path("feedback-rules/<slug:slug>/", api.FeedbackRuleDetail.as_view(), name="api-feedback-rule"),
]
