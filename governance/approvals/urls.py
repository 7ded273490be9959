from django.urls import path

from governance.approvals import views

app_name = "approvals"
urlpatterns = [
    path("changes/", views.change_list, name="list"),
    path("changes/policies/", views.policies, name="policies"),
    path("changes/<int:pk>/", views.change_detail, name="detail"),
    path("changes/<int:pk>/decide/", views.decide, name="decide"),
    path("changes/<int:pk>/comment/", views.comment, name="comment"),
    path("changes/<int:pk>/withdraw/", views.withdraw, name="withdraw"),
    path("changes/<int:pk>/revise/", views.revise, name="revise"),
]
