"""Prompts and versions over the API; the same services as the pages."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, plain_name
from prompts.catalogue import services
from prompts.catalogue.difference import version_diffs
from prompts.catalogue.models import STYLES, Prompt, PromptVersion
from prompts.catalogue.parameters import SETTABLE
from prompts.catalogue.rendering import (
    MOST_CHARACTERS,
    MOST_MESSAGES,
    ROLES,
    render,
    value_problems,
)
from prompts.catalogue.selectors import (
    authored_use_case,
    prompt_for,
    prompts_visible_to,
    version_for,
)

WRITE: dict[str, Permission] = {"GET": Permission.PROMPT_VIEW, "POST": Permission.PROMPT_AUTHOR}


class PromptSerializer(serializers.ModelSerializer[Prompt]):
    """A prompt with its latest version and the live ones, by number."""

    use_case = serializers.CharField(source="use_case.slug")
    latest_version = serializers.IntegerField(allow_null=True)
    live_in_production = serializers.IntegerField(allow_null=True)
    live_in_staging = serializers.IntegerField(allow_null=True)

    class Meta:
        model = Prompt
        fields = [
            "id",
            "slug",
            "name",
            "use_case",
            "purpose",
            "style",
            "latest_version",
            "live_in_production",
            "live_in_staging",
            "created_at",
        ]
        read_only_fields = fields


class PromptInput(serializers.Serializer[Any]):
    """A new prompt. An empty slug is made from the name."""

    name = serializers.CharField(max_length=150, validators=[plain_name])
    use_case = serializers.CharField(max_length=80, help_text="The use case's slug.")
    slug = serializers.CharField(
        max_length=80, required=False, allow_blank=True, validators=[plain_name]
    )
    purpose = serializers.CharField(max_length=5000, required=False, allow_blank=True)
    # A serializer has a `style` of its own, of another type.
    style: Any = serializers.ChoiceField(choices=STYLES, required=False)


def _user(request: Request) -> User:
    return cast(User, request.user)


class PromptList(generics.ListAPIView[Prompt]):
    """Prompts in the person's reach; engineers of a team begin new ones."""

    required_permission: ClassVar = WRITE
    serializer_class = PromptSerializer
    queryset = Prompt.objects.all()

    def get_queryset(self) -> QuerySet[Prompt]:
        return prompts_visible_to(_user(self.request))

    @extend_schema(request=PromptInput, responses={201: PromptSerializer})
    def post(self, request: Request) -> Response:
        given = PromptInput(data=request.data)
        given.is_valid(raise_exception=True)
        facts = dict(given.validated_data)
        use_case = authored_use_case(_user(request), facts.pop("use_case"))
        made = services.create_prompt(
            actor=actor_of(request), use_case=use_case, now=timezone.now(), **facts
        )
        return Response(PromptSerializer(prompt_for(_user(request), made.slug)).data, 201)


class PromptDetail(generics.GenericAPIView[Prompt]):
    """One prompt."""

    required_permission = Permission.PROMPT_VIEW
    serializer_class = PromptSerializer
    queryset = Prompt.objects.all()

    def get(self, request: Request, slug: str) -> Response:
        return Response(PromptSerializer(prompt_for(_user(request), slug)).data)


class MessageSerializer(serializers.Serializer[Any]):
    """One message; {{name}} stands for a variable."""

    role = serializers.ChoiceField(choices=ROLES)
    content = serializers.CharField(trim_whitespace=False, max_length=MOST_CHARACTERS)


class ObjectField(serializers.JSONField):
    """A JSON object."""

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        if not isinstance(value, dict):
            raise serializers.ValidationError("A JSON object is wanted here.")
        return value


class VersionSerializer(serializers.ModelSerializer[PromptVersion]):
    """A version as it was written; it never changes."""

    prompt = serializers.CharField(source="prompt.slug")
    author = serializers.CharField(source="author.name")
    messages = MessageSerializer(many=True)
    variables = serializers.DictField()
    output_contract = serializers.DictField()
    parameters = serializers.DictField()

    class Meta:
        model = PromptVersion
        fields = [
            "id",
            "prompt",
            "number",
            "messages",
            "variables",
            "output_contract",
            "parameters",
            "takes_caller_messages",
            "changelog",
            "author",
            "content_hash",
            "created_at",
        ]
        read_only_fields = fields


class VersionInput(serializers.Serializer[Any]):
    """The content of a new version, and what changed in a line."""

    messages = MessageSerializer(many=True, max_length=MOST_MESSAGES)  # type: ignore[call-arg]  # many=True takes it
    variables = ObjectField(default=dict, help_text="JSON Schema of type object.")
    output_contract = ObjectField(
        default=dict,
        help_text="{type: text | labels | json_schema | tools | embedding, max_chars | labels | schema | "
        "tools (OpenAI's function definitions), text_allowed | dimensions}",
    )
    parameters = ObjectField(
        default=dict,
        help_text="temperature, top_p, max_tokens, seed; caller_may_set: a list of what callers "
        f"may set themselves, of {', '.join(SETTABLE)}; max_tokens if it is left out.",
    )
    takes_caller_messages = serializers.BooleanField(default=False)
    changelog = serializers.CharField(max_length=300)


class VersionList(generics.ListAPIView[PromptVersion]):
    """The versions of a prompt, newest first; engineers of its team write new ones."""

    required_permission: ClassVar = WRITE
    serializer_class = VersionSerializer
    queryset = PromptVersion.objects.all()

    def get_queryset(self) -> QuerySet[PromptVersion]:
        prompt = prompt_for(_user(self.request), self.kwargs["slug"])
        return prompt.versions.select_related("prompt", "author")

    @extend_schema(request=VersionInput, responses={201: VersionSerializer})
    def post(self, request: Request, slug: str) -> Response:
        prompt = prompt_for(_user(request), slug)
        given = VersionInput(data=request.data)
        given.is_valid(raise_exception=True)
        facts = given.validated_data
        made = services.create_version(
            actor=actor_of(request),
            prompt=prompt,
            now=timezone.now(),
            **(facts | {"messages": [dict(one) for one in facts["messages"]]}),
        )
        return Response(VersionSerializer(made).data, 201)


class VersionDetail(generics.GenericAPIView[PromptVersion]):
    """One version by its number."""

    required_permission = Permission.PROMPT_VIEW
    serializer_class = VersionSerializer
    queryset = PromptVersion.objects.all()

    def get(self, request: Request, slug: str, number: int) -> Response:
        return Response(VersionSerializer(version_for(_user(request), slug, number)).data)


class RenderInput(serializers.Serializer[Any]):
    """A value for every variable."""

    variables = ObjectField(default=dict)


class Rendered(serializers.Serializer[Any]):
    """What a model would be sent, before personal data is replaced."""

    messages = MessageSerializer(many=True)


class VersionRender(APIView):
    """Fill in the variables. No model is called and nothing is saved."""

    required_permission = Permission.PROMPT_VIEW

    @extend_schema(request=RenderInput, responses=Rendered)
    def post(self, request: Request, slug: str, number: int) -> Response:
        version = version_for(_user(request), slug, number)
        given = RenderInput(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data["variables"]
        problems = value_problems(version.variables, values)
        if problems:
            raise Invalid("The variables do not fit the prompt.", fields={"variables": problems})
        return Response({"messages": render(version.messages, values)})


class PieceSerializer(serializers.Serializer[Any]):
    """A stretch of text: same, removed or added."""

    kind = serializers.CharField()
    text = serializers.CharField()


class FieldDiffSerializer(serializers.Serializer[Any]):
    """One field that changed, word by word."""

    field = serializers.CharField(source="label")
    status = serializers.CharField()
    pieces = PieceSerializer(many=True)


def _number_parameter(name: str) -> OpenApiParameter:
    return OpenApiParameter(name, int, required=True, description="A version's number.")


class VersionDiff(APIView):
    """What changed between any two versions: the fields that are not the same."""

    required_permission = Permission.PROMPT_VIEW

    @extend_schema(
        parameters=[_number_parameter("from"), _number_parameter("to")],
        responses=FieldDiffSerializer(many=True),
    )
    def get(self, request: Request, slug: str) -> Response:
        prompt_for(_user(request), slug)
        versions = [
            version_for(_user(request), slug, _number(request, name)) for name in ("from", "to")
        ]
        fields = version_diffs(versions[0].content(), versions[1].content())
        changed = [one for one in fields if one.status != "same"]
        return Response(FieldDiffSerializer(changed, many=True).data)


def _number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    if not text.isdecimal() or len(text) > 8:
        raise Invalid(
            "Two versions are compared by their numbers.",
            fields={name: ["Give a version's number."]},
        )
    return int(text)
