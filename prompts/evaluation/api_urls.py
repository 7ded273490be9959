from django.urls import path

from prompts.evaluation import api

_SUITES = "prompts/<slug:slug>/evaluation-suites/"
_SUITE = f"{_SUITES}<int:suite>/"
_RUN = "prompts/<slug:slug>/evaluation-runs/<uuid:run>/"

urlpatterns = [
    path(_SUITES, api.SuiteList.as_view(), name="api-suites"),
    path(f"{_SUITE}cases/", api.CaseList.as_view(), name="api-cases"),
    path(f"{_SUITE}cases/<int:case>/retire/", api.CaseRetire.as_view(), name="api-case-retire"),
    path(f"{_SUITE}runs/", api.RunList.as_view(), name="api-runs"),
    path(_RUN, api.RunDetail.as_view(), name="api-run"),
    path(f"{_RUN}results/", api.RunResults.as_view(), name="api-run-results"),
    path(f"{_RUN}cancel/", api.RunCancel.as_view(), name="api-run-cancel"),
    path(f"{_RUN}resume/", api.RunResume.as_view(), name="api-run-resume"),
]
