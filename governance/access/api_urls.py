from django.urls import path

from governance.access import api, key_api, training_api

urlpatterns = [
    path("people/", api.PersonList.as_view(), name="api-people"),
    path("people/<int:pk>/", api.PersonDetail.as_view(), name="api-person"),
    path("people/<int:pk>/deactivate/", api.PersonDeactivate.as_view(), name="api-deactivate"),
    path("people/<int:pk>/reactivate/", api.PersonReactivate.as_view(), name="api-reactivate"),
    path("people/<int:pk>/password/", api.PersonPassword.as_view(), name="api-person-password"),
    path("teams/", api.TeamList.as_view(), name="api-teams"),
    path("teams/<slug:slug>/", api.TeamDetail.as_view(), name="api-team"),
    path("grants/", api.GrantList.as_view(), name="api-grants"),
    path("grants/<int:pk>/", api.GrantDetail.as_view(), name="api-grant"),
    path("trainings/", training_api.TrainingList.as_view(), name="api-trainings"),
    path("trainings/mine/", training_api.MyTraining.as_view(), name="api-my-training"),
    path(
        "trainings/register/",
        training_api.TrainingRegister.as_view(),
        name="api-training-register",
    ),
    path(
        "training-records/", training_api.TrainingRecordList.as_view(), name="api-training-records"
    ),
    path(
        "training-records/<int:pk>/revoke/",
        training_api.TrainingRecordRevoke.as_view(),
        name="api-training-record-revoke",
    ),
    path("keys/", key_api.KeyList.as_view(), name="api-keys"),
    path("keys/<int:pk>/", key_api.KeyDetail.as_view(), name="api-key"),
    path("keys/<int:pk>/rotate/", key_api.KeyRotate.as_view(), name="api-key-rotate"),
    path("keys/<int:pk>/limits/", key_api.KeyLimits.as_view(), name="api-key-limits"),
    path("keys/<int:pk>/revoke/", key_api.KeyRevoke.as_view(), name="api-key-revoke"),
]
