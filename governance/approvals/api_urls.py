from django.urls import path

from governance.approvals import (
    api,
    bundle_api,
    delegation_api,
    discussion_api,
    emergency_api,
    meeting_api,
    policy_api,
    signing_api,
    standing_api,
)

urlpatterns = [
    path("change-requests/", api.ChangeList.as_view(), name="api-changes"),
    path("change-requests/<int:pk>/", api.ChangeDetail.as_view(), name="api-change"),
    path(
        "change-requests/<int:pk>/decisions/", api.ChangeDecide.as_view(), name="api-change-decide"
    ),
    path("change-requests/<int:pk>/revise/", api.ChangeRevise.as_view(), name="api-change-revise"),
    path(
        "change-requests/<int:pk>/withdraw/",
        api.ChangeWithdraw.as_view(),
        name="api-change-withdraw",
    ),
    path(
        "change-requests/<int:pk>/comments/",
        discussion_api.CommentList.as_view(),
        name="api-change-comments",
    ),
    path(
        "change-requests/<int:pk>/comments/<int:comment>/settle/",
        discussion_api.CommentSettle.as_view(),
        name="api-change-comment-settle",
    ),
    path(
        "change-requests/<int:pk>/points/",
        discussion_api.PointList.as_view(),
        name="api-change-points",
    ),
    path(
        "change-requests/<int:pk>/points/<int:point>/",
        discussion_api.PointAnswerView.as_view(),
        name="api-change-point",
    ),
    path(
        "change-requests/<int:pk>/signing/",
        signing_api.ChangeSigning.as_view(),
        name="api-change-signing",
    ),
    path(
        "change-requests/<int:pk>/conflict/",
        signing_api.ChangeConflict.as_view(),
        name="api-change-conflict",
    ),
    path(
        "change-requests/<int:pk>/replan/",
        signing_api.ChangeReplan.as_view(),
        name="api-change-replan",
    ),
    path(
        "change-requests/<int:pk>/emergency/",
        emergency_api.ChangeEmergency.as_view(),
        name="api-change-emergency",
    ),
    path(
        "change-requests/<int:pk>/let-through/",
        emergency_api.ChangeLetThrough.as_view(),
        name="api-change-let-through",
    ),
    path("bundles/", bundle_api.BundleList.as_view(), name="api-bundles"),
    path("approval-policies/", policy_api.PolicyList.as_view(), name="api-policies"),
    path(
        "approval-policies/simulate/",
        policy_api.PolicySimulate.as_view(),
        name="api-policy-simulate",
    ),
    path(
        "approval-policies/propose/",
        policy_api.PolicyPropose.as_view(),
        name="api-policy-propose",
    ),
    path("meetings/", meeting_api.MeetingList.as_view(), name="api-meetings"),
    path("meetings/<int:pk>/", meeting_api.MeetingDetail.as_view(), name="api-meeting"),
    path("approvals/", standing_api.ApprovalList.as_view(), name="api-approvals"),
    path("approvals/<int:pk>/", standing_api.ApprovalDetail.as_view(), name="api-approval"),
    path(
        "approvals/<int:pk>/suspend/",
        standing_api.ApprovalSuspend.as_view(),
        name="api-approval-suspend",
    ),
    path(
        "approvals/<int:pk>/resume/",
        standing_api.ApprovalResume.as_view(),
        name="api-approval-resume",
    ),
    path(
        "approvals/<int:pk>/revoke/",
        standing_api.ApprovalRevoke.as_view(),
        name="api-approval-revoke",
    ),
    path("conditions/", standing_api.ConditionList.as_view(), name="api-conditions"),
    path(
        "conditions/<int:pk>/meet/", standing_api.ConditionMeet.as_view(), name="api-condition-meet"
    ),
    path("delegations/", delegation_api.DelegationList.as_view(), name="api-delegations"),
    path(
        "delegations/<int:pk>/end/",
        delegation_api.DelegationEnd.as_view(),
        name="api-delegation-end",
    ),
]
