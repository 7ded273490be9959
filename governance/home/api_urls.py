from django.urls import path

from governance.home import absence_api

urlpatterns = [
    path("absences/", absence_api.AbsenceList.as_view(), name="api-absences"),
    path("absences/<int:pk>/end/", absence_api.AbsenceEnd.as_view(), name="api-absence-end"),
]
