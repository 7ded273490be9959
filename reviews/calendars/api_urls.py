from django.urls import path

from reviews.calendars import api

urlpatterns = [
    path("review-calendars/", api.ReviewCalendarList.as_view(), name="api-calendars"),
    path("review-calendars/<int:pk>/", api.ReviewCalendarDetail.as_view(), name="api-calendar"),
    path(
        "review-calendars/<int:pk>/preview/",
        api.ReviewCalendarPreview.as_view(),
        name="api-calendar-preview",
    ),
    path("review-retimings/", api.ReviewRetimingList.as_view(), name="api-retimings"),
    path("review-retimings/<int:pk>/", api.ReviewRetimingDetail.as_view(), name="api-retiming"),
    path("sla-policies/", api.SlaPolicyList.as_view(), name="api-sla-policies"),
    path("sla-policies/<int:pk>/", api.SlaPolicyDetail.as_view(), name="api-sla-policy"),
    path(
        "sla-policies/<int:pk>/preview/",
        api.SlaPolicyPreview.as_view(),
        name="api-sla-policy-preview",
    ),
]
