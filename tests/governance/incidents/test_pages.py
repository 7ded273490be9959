"""Incidents as pages: declaring, commanding, clocks in sight, what a refusal keeps."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.incidents.models import Incident, Playbook
from tests.factories.incidents import Watch, contain, make_incident, make_reviewed, make_watch, move
from tests.factories.ledger import make_person, make_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def watch() -> Watch:
    return make_watch()


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def safety(watch: Watch) -> Client:
    return signed_in(watch.people["safety"])


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


@pytest.mark.parametrize("url", ["/incidents/", "/incidents/?show=due", "/api/v1/incidents/", "/"])
def test_a_list_asks_the_same_number_of_queries_for_one_and_three(
    watch: Watch, safety: Client, url: str
) -> None:
    make_incident(watch, facts=["personal_data", "death"])
    once = queries(safety, url)
    for _ in range(2):
        make_incident(watch, facts=["personal_data", "death"])
    assert queries(safety, url) <= once <= 30


def test_a_page_asks_the_same_number_of_queries_for_one_and_three_parts(
    watch: Watch, safety: Client
) -> None:
    incident = make_incident(watch, facts=["death"])
    url = f"/incidents/{incident.pk}/"
    action = {"text": "Name the unit.", "due_on": "2099-01-31"}
    safety.post(f"{url}actions/", action)
    once = queries(safety, url)
    for _ in range(2):
        safety.post(f"{url}actions/", action)
    assert incident.actions.count() == 3
    # Each select of owners is filled by a query of its own while an action is open.
    assert queries(safety, url) - once <= 2


def test_the_list_shows_which_clock_ends_first(watch: Watch, safety: Client) -> None:
    quiet = make_incident(watch)
    slow = make_incident(watch, facts=["serious"])
    late = make_incident(
        watch, facts=["personal_data"], aware_at=timezone.now() - timedelta(days=4)
    )
    gone = move(watch, make_incident(watch, facts=["death"]), "dismiss", "A drill.")

    def listed(query: str) -> list[int]:
        return [one.pk for one in safety.get(f"/incidents/?{query}").context["page"]]

    assert listed("show=due") == [late.pk, slow.pk]
    assert listed("show=open") == [late.pk, slow.pk, quiet.pk]
    assert listed("show=closed") == [gone.pk]
    assert len(listed("")) == 4
    assert b"1 of 1 overdue" in safety.get("/incidents/").content


def test_an_incident_of_another_team_is_unknown_to_who_has_no_part_in_it(watch: Watch) -> None:
    stranger = make_person("owner", make_team("elsewhere"))
    client, incident = signed_in(stranger), make_incident(watch)
    url = f"/incidents/{incident.pk}/"
    for path in ("/incidents/", "/api/v1/incidents/"):
        assert incident.title not in client.get(path).content.decode()
    assert client.get(url).status_code == client.get(f"/api/v1{url}").status_code == 404
    # Who declared it, who has something to do after it, and the team's own people see it.
    assert signed_in(watch.people["reviewer"]).get(url).status_code == 200
    assert signed_in(make_person("owner", watch.use_case.team)).get(url).status_code == 200
    incident.actions.create(text="Name the unit.", owner=stranger, due_on="2099-01-31")
    assert client.get(url).status_code == 200


def test_an_empty_list_says_what_it_is_for(safety: Client) -> None:
    assert b'class="empty"' in safety.get("/incidents/").content
    assert b"GDPR Art. 33(1)" in safety.get("/incidents/playbooks/").content
    Playbook.objects.all().delete()
    assert b'class="empty"' in safety.get("/incidents/playbooks/").content


def test_anybody_with_a_role_declares_and_a_refusal_keeps_the_words(watch: Watch) -> None:
    reviewer = signed_in(watch.people["reviewer"])
    playbook = Playbook.objects.get(slug="data-leakage")
    typed = {
        "title": "",
        "description": "A name stood in the answer.",
        "severity": "high",
        "facts": ["personal_data"],
        "aware_at": "2026-01-02T08:00",
        "use_case": "",
        "playbook": str(playbook.pk),
    }
    refused = reviewer.post("/incidents/declare/", typed)
    assert refused.status_code == 422
    assert b"A name stood in the answer." in refused.content
    assert b"This field is required" in refused.content
    future = typed | {"title": "Name shown", "aware_at": "2099-01-02T08:00"}
    refused = reviewer.post("/incidents/declare/", future)
    assert refused.status_code == 422 and b"still to come" in refused.content
    hidden = typed | {"title": "Name shown", "use_case": str(watch.use_case.pk)}
    assert reviewer.post("/incidents/declare/", hidden).status_code == 422
    made = reviewer.post("/incidents/declare/", typed | {"title": "Name shown"})
    incident = Incident.objects.get()
    assert made["Location"] == f"/incidents/{incident.pk}/"
    # Typed in the person's zone, which is Amsterdam where nobody chose another.
    assert incident.aware_at.isoformat() == "2026-01-02T07:00:00+00:00"
    assert incident.clocks.get().code == "gdpr_33"
    assert signed_in(make_person()).get("/incidents/declare/").status_code == 403


def test_an_incident_is_worked_through_on_its_page(watch: Watch, safety: Client) -> None:
    incident = make_incident(watch, facts=["personal_data"])
    url = f"/incidents/{incident.pk}/"

    def post(path: str, **typed: str) -> int:
        return safety.post(f"{url}{path}", typed).status_code

    assert post("move/", action="confirm", words="") == 302
    assert post("contain/", target=f"kill_switch:{watch.use_case.pk}", reason="") == 422
    assert post("contain/", target="kill_switch:x", reason="x") == 422
    assert post("contain/", target=f"kill_switch:{watch.use_case.pk}", reason="Doses") == 302
    steps = list(incident.steps.all())
    assert post(f"steps/{steps[0].pk}/", outcome="skipped", note="") == 422
    assert post(f"steps/{steps[0].pk}/", outcome="skipped", note="No calls kept.") == 302
    for step in steps[1:]:
        assert post(f"steps/{step.pk}/", outcome="done", note="") == 302
    assert post("classify/", severity="critical", reason="") == 422
    assert post("classify/", severity="critical", facts="personal_data", reason="x") == 302
    assert post("commander/", commander=str(watch.people["board"].pk), reason="") == 422
    assert post("commander/", commander=str(watch.people["second"].pk), reason="Shift") == 302
    assert post("move/", action="contain") == post("move/", action="resolve") == 302
    assert post("move/", action="review", words=" ") == 422
    assert post("move/", action="review", words="The prompt named no unit.") == 302
    assert post("actions/", text="Name the unit.", due_on="") == 422
    assert post("actions/", text="Name the unit.", due_on="2099-01-31") == 302
    action, clock = incident.actions.get(), incident.clocks.get()
    shown = safety.get(url).content.decode()
    assert "an owner for 1 actions" in shown and "1 legal clocks that still run" in shown
    assert post("move/", action="close") == 409
    finance = str(watch.people["finance"].pk)
    assert post(f"actions/{action.pk}/assign/", owner="", due_on="2099-01-31") == 422
    assert post(f"actions/{action.pk}/assign/", owner=finance, due_on="2099-01-31") == 302
    assert post(f"clocks/{clock.pk}/meet/", note="") == 422
    assert post(f"clocks/{clock.pk}/meet/", note="Reference 4711") == 302
    assert post(f"clocks/{clock.pk}/meet/", note="again") == 409
    assert post("move/", action="close") == 302
    owner = signed_in(watch.people["finance"])
    assert owner.post(f"{url}actions/{action.pk}/done/", {"note": "Version 4"}).status_code == 302
    shown = owner.get(url).content.decode()
    assert "Reference 4711" in shown and "Version 4" in shown
    assert post("move/", action="reopen", words="") == 422
    assert post("move/", action="reopen", words="It came back.") == 302
    assert AuditEvent.objects.filter(action="incident.reopen", reason="It came back.").count() == 1


def test_a_containment_is_taken_back_with_a_reason(watch: Watch, safety: Client) -> None:
    incident = make_incident(watch)
    contain(watch, incident)
    url = f"/incidents/{incident.pk}/undo/{incident.containments.get().pk}/"
    assert safety.post(url, {"reason": ""}).status_code == 422
    assert safety.post(url, {"reason": "Solved."}).status_code == 302
    assert b"taken back" in safety.get(f"/incidents/{incident.pk}/").content


def test_a_second_person_waives_a_clock(watch: Watch, safety: Client) -> None:
    incident = move(watch, make_incident(watch, facts=["death"]), "confirm")
    url = f"/incidents/{incident.pk}/clocks/{incident.clocks.get().pk}/waive/"
    assert safety.post(url, {"reason": "Nobody died."}).status_code == 403
    second = signed_in(watch.people["second"])
    assert second.post(url, {"reason": ""}).status_code == 422
    assert second.post(url, {"reason": "Nobody died."}).status_code == 302
    assert b"not applicable" in safety.get(f"/incidents/{incident.pk}/").content


def test_who_does_not_command_reads_only(watch: Watch) -> None:
    incident = make_reviewed(watch, facts=["death"])
    url, board = f"/incidents/{incident.pk}/", signed_in(watch.people["board"])
    shown = board.get(url)
    assert shown.status_code == 200
    for key in ("arrows", "contain_form", "classify_form", "action_form"):
        assert key not in shown.context
    assert [row["form"] for row in shown.context["clocks"]] == [None]
    step, clock = incident.steps.first(), incident.clocks.get()
    assert step is not None
    for path in (
        "move/",
        "contain/",
        f"steps/{step.pk}/",
        f"undo/{incident.containments.get().pk}/",
        "classify/",
        "commander/",
        f"clocks/{clock.pk}/meet/",
        f"clocks/{clock.pk}/waive/",
        "actions/",
    ):
        assert board.post(f"{url}{path}", {"reason": "x"}).status_code == 403, path
    assert signed_in(make_person()).get(url).status_code == 403


def test_a_part_of_another_incident_is_not_there(watch: Watch, safety: Client) -> None:
    one, other = (make_incident(watch, facts=["death"]) for _ in range(2))
    step = other.steps.first()
    assert step is not None
    for path in (f"steps/{step.pk}/", f"clocks/{other.clocks.get().pk}/meet/", "undo/999/"):
        assert safety.post(f"/incidents/{one.pk}/{path}", {"note": "x"}).status_code == 404
    assert safety.get("/incidents/999999/").status_code == 404
