from django.urls import path

from governance.access import key_views, training_views, views

app_name = "access"
urlpatterns = [
    path("account/", views.account, name="account"),
    path("people/", views.people, name="people"),
    path("people/add/", views.add_person, name="add-person"),
    path("people/add-team/", views.add_team, name="add-team"),
    path("people/<int:pk>/", views.person, name="person"),
    path("people/<int:pk>/grant/", views.grant, name="grant"),
    path("people/<int:pk>/deactivate/", views.deactivate, name="deactivate"),
    path("people/<int:pk>/reactivate/", views.reactivate, name="reactivate"),
    path("people/<int:pk>/password/", views.give_password, name="give-password"),
    path("people/<int:pk>/revoke/<int:grant>/", views.revoke, name="revoke"),
    path("teams/<slug:slug>/", views.team, name="team"),
    path("teams/<slug:slug>/edit/", views.change_team, name="change-team"),
    path("training/", training_views.training_register, name="training-register"),
    path("training/mine/", training_views.my_training, name="my-training"),
    path("training/new/", training_views.training_new, name="training-new"),
    path("training/record/", training_views.training_record, name="training-record"),
    path(
        "training/records/<int:pk>/revoke/",
        training_views.revoke_record,
        name="training-record-revoke",
    ),
    path("keys/", key_views.keys, name="keys"),
    path("keys/new/", key_views.new_key, name="new-key"),
    path("keys/<int:pk>/", key_views.key, name="key"),
    path("keys/<int:pk>/rotate/", key_views.rotate, name="rotate-key"),
    path("keys/<int:pk>/limits/", key_views.limit_key, name="limit-key"),
    path("keys/<int:pk>/revoke/", key_views.revoke_key, name="revoke-key"),
]
