from django.urls import path

from prompts.evaluation import views

app_name = "evaluation"
_ALL = "prompts/<slug:slug>/evaluation/"
_SUITE = f"{_ALL}suites/<int:suite>/"
_RUN = f"{_ALL}runs/<uuid:run>/"
urlpatterns = [
    path(_ALL, views.suites, name="suites"),
    path(_SUITE, views.suite, name="suite"),
    path(f"{_SUITE}cases/new/", views.new_case, name="new-case"),
    path(f"{_SUITE}cases/<int:case>/retire/", views.retire_case, name="retire-case"),
    path(_RUN, views.run, name="run"),
    path(f"{_RUN}cancel/", views.cancel, name="cancel-run"),
    path(f"{_RUN}resume/", views.resume, name="resume-run"),
]
