from django.urls import path

from governance.incidents import api

ONE = "incidents/<int:pk>/"
urlpatterns = [
    path("playbooks/", api.PlaybookList.as_view(), name="api-playbooks"),
    path("playbooks/<slug:slug>/", api.PlaybookDetail.as_view(), name="api-playbook"),
    path("incidents/", api.IncidentList.as_view(), name="api-incidents"),
    path(ONE, api.IncidentDetail.as_view(), name="api-incident"),
    path(f"{ONE}transitions/", api.IncidentMove.as_view(), name="api-incident-move"),
    path(f"{ONE}classification/", api.IncidentClassify.as_view(), name="api-incident-classify"),
    path(f"{ONE}commander/", api.IncidentCommander.as_view(), name="api-incident-commander"),
    path(f"{ONE}steps/<int:step>/", api.StepFinish.as_view(), name="api-incident-step"),
    path(f"{ONE}containments/", api.Contain.as_view(), name="api-incident-contain"),
    path(
        f"{ONE}containments/<int:containment>/undo/",
        api.ContainmentUndo.as_view(),
        name="api-incident-undo",
    ),
    path(f"{ONE}clocks/<int:clock>/meet/", api.ClockMeet.as_view(), name="api-clock-meet"),
    path(f"{ONE}clocks/<int:clock>/waive/", api.ClockWaive.as_view(), name="api-clock-waive"),
    path(f"{ONE}actions/", api.ActionAdd.as_view(), name="api-action-add"),
    path(f"{ONE}actions/<int:action>/assign/", api.ActionAssign.as_view(), name="api-action"),
    path(f"{ONE}actions/<int:action>/done/", api.ActionFinish.as_view(), name="api-action-done"),
]
