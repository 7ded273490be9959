from django.urls import path

from reviews.calendars import views

app_name = "calendars"
urlpatterns = [
    path("reviews/calendars/", views.calendar_list, name="calendars"),
    path("reviews/calendars/new/", views.calendar_new, name="calendar-new"),
    path("reviews/calendars/<int:pk>/", views.calendar, name="calendar"),
    path("reviews/calendars/<int:pk>/change/", views.calendar_change, name="calendar-change"),
    path("reviews/calendars/retimings/<int:pk>/", views.retiming, name="retiming"),
    path("reviews/sla/", views.policy_list, name="policies"),
    path("reviews/sla/new/", views.policy_new, name="policy-new"),
    path("reviews/sla/<int:pk>/change/", views.policy_change, name="policy-change"),
]
