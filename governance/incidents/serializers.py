"""What the incidents' API takes and gives."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from governance.access.models import User
from governance.incidents.models import (
    ContainmentAction,
    Incident,
    IncidentStep,
    NotificationClock,
    Playbook,
    PostMortemAction,
)
from governance.incidents.rules import FACTS, INCIDENT_STATES, SEVERITIES, STEP_OUTCOMES
from governance.kernel.web import plain_name
from governance.registry.models import UseCase

ACTIONS = sorted({edge.action for edge in INCIDENT_STATES.edges})


class PlaybookStep(serializers.Serializer[Any]):
    phase = serializers.CharField()
    text = serializers.CharField()


class PlaybookClock(serializers.Serializer[Any]):
    """`hours` from awareness; `when` is the fact that starts it, empty for always."""

    code = serializers.CharField()
    name = serializers.CharField()
    legal_basis = serializers.CharField()
    hours = serializers.IntegerField()
    when = serializers.CharField(allow_blank=True)


class PlaybookSerializer(serializers.ModelSerializer[Playbook]):
    """Steps and legal clocks for one kind of incident."""

    steps = PlaybookStep(many=True)
    clocks = PlaybookClock(many=True)

    class Meta:
        model = Playbook
        fields = ["id", "slug", "title", "kind", "version", "steps", "clocks"]


class IncidentSerializer(serializers.ModelSerializer[Incident]):
    """An incident, and when its first legal clock ends."""

    playbook: Any = serializers.SlugRelatedField("slug", read_only=True)
    use_case: Any = serializers.SlugRelatedField("slug", read_only=True)
    facts = serializers.ListField(child=serializers.CharField())
    clocks_running = serializers.IntegerField(read_only=True)
    clocks_overdue = serializers.IntegerField(read_only=True)
    next_due_at = serializers.DateTimeField(read_only=True, allow_null=True)

    class Meta:
        model = Incident
        fields = [
            "id",
            "title",
            "description",
            "playbook",
            "severity",
            "state",
            "facts",
            "use_case",
            "declared_by",
            "declared_at",
            "aware_at",
            "commander",
            "closed_at",
            "post_mortem",
            "clocks_running",
            "clocks_overdue",
            "next_due_at",
        ]


class StepSerializer(serializers.ModelSerializer[IncidentStep]):
    class Meta:
        model = IncidentStep
        fields = ["id", "position", "phase", "text", "outcome", "note", "by", "at"]


class ClockSerializer(serializers.ModelSerializer[NotificationClock]):
    """A legal deadline."""

    standing = serializers.SerializerMethodField(
        help_text="running, overdue, met, met late or not applicable"
    )

    class Meta:
        model = NotificationClock
        fields = [
            "id",
            "code",
            "name",
            "legal_basis",
            "standing",
            "started_at",
            "due_at",
            "met_at",
            "met_by",
            "met_note",
            "waived_at",
            "waived_by",
            "waived_reason",
        ]

    @extend_schema_field(str)
    def get_standing(self, clock: NotificationClock) -> str:
        return clock.state(timezone.now())


class ActionSerializer(serializers.ModelSerializer[PostMortemAction]):
    class Meta:
        model = PostMortemAction
        fields = ["id", "text", "owner", "due_on", "done_at", "done_note"]


class ContainmentSerializer(serializers.ModelSerializer[ContainmentAction]):
    class Meta:
        model = ContainmentAction
        fields = [
            "id",
            "kind",
            "target_id",
            "target_label",
            "reason",
            "done_by",
            "done_at",
            "undone_at",
        ]


class IncidentDetailSerializer(IncidentSerializer):
    """An incident with all its parts."""

    steps = StepSerializer(many=True)
    clocks = ClockSerializer(many=True)
    actions = ActionSerializer(many=True)
    containments = ContainmentSerializer(many=True)

    class Meta(IncidentSerializer.Meta):
        fields = [
            *IncidentSerializer.Meta.fields,
            "steps",
            "clocks",
            "actions",
            "containments",
        ]


class FactsField(serializers.ListField):
    """Facts that start legal clocks."""

    child = serializers.ChoiceField(choices=list(FACTS))


class DeclareInput(serializers.Serializer[Any]):
    """What happened; `aware_at` is when somebody here first knew, else now."""

    title = serializers.CharField(max_length=200, validators=[plain_name])
    description = serializers.CharField(max_length=10_000)
    severity = serializers.ChoiceField(choices=SEVERITIES)
    playbook: Any = serializers.SlugRelatedField("slug", queryset=Playbook.objects.all())
    use_case = serializers.SlugField(required=False, max_length=80)
    facts = FactsField(required=False, max_length=20)
    aware_at = serializers.DateTimeField(required=False)

    def validate_use_case(self, slug: str) -> UseCase:
        """Only one that the person may see."""
        found = UseCase.objects.visible_to(self.context["user"]).filter(slug=slug).first()
        if found is None:
            raise serializers.ValidationError("There is no such use case.")
        return found


class MoveInput(serializers.Serializer[Any]):
    """The arrow to take; `words` hold the post-mortem, or the reason."""

    action = serializers.ChoiceField(choices=ACTIONS)
    words = serializers.CharField(max_length=20_000, allow_blank=True, default="")


class ClassifyInput(serializers.Serializer[Any]):
    severity = serializers.ChoiceField(choices=SEVERITIES)
    facts = FactsField(max_length=20)
    reason = serializers.CharField(max_length=500)


class CommanderInput(serializers.Serializer[Any]):
    commander = serializers.PrimaryKeyRelatedField(queryset=User.objects.filter(is_active=True))
    reason = serializers.CharField(max_length=300, allow_blank=True, default="")


class StepInput(serializers.Serializer[Any]):
    outcome = serializers.ChoiceField(choices=STEP_OUTCOMES)
    note = serializers.CharField(max_length=500, allow_blank=True, default="")


class ContainInput(serializers.Serializer[Any]):
    """`kind` is a registered containment, `target_id` what it acts on."""

    kind = serializers.CharField(max_length=30)
    target_id = serializers.IntegerField(min_value=1)
    reason = serializers.CharField(max_length=300)


class ReasonBody(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=300)


class NoteBody(serializers.Serializer[Any]):
    note = serializers.CharField(max_length=500)


class ActionInput(serializers.Serializer[Any]):
    """What shall change; the owner may follow, but before the incident closes."""

    text = serializers.CharField(max_length=300)
    due_on = serializers.DateField()
    owner = serializers.PrimaryKeyRelatedField(
        queryset=User.objects.filter(is_active=True), required=False
    )


class AssignInput(serializers.Serializer[Any]):
    owner = serializers.PrimaryKeyRelatedField(queryset=User.objects.filter(is_active=True))
    due_on = serializers.DateField()
