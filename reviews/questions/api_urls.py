from django.urls import path

from reviews.questions import api

urlpatterns = [
    path("review-items/<uuid:pk>/ask/", api.ItemAsk.as_view(), name="api-review-ask"),
    path("review-questions/", api.QuestionList.as_view(), name="api-review-questions"),
    path("review-questions/<int:pk>/", api.QuestionDetail.as_view(), name="api-review-question"),
    path(
        "review-questions/<int:pk>/answer/",
        api.QuestionAnswer.as_view(),
        name="api-review-question-answer",
    ),
    path(
        "review-questions/<int:pk>/withdraw/",
        api.QuestionWithdraw.as_view(),
        name="api-review-question-withdraw",
    ),
]
