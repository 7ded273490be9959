"""People, teams and grants over the API; the same services as the pages."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.db import models
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.access import passwords, services
from governance.access.api_foundation import valid
from governance.access.late_saves import seen_of
from governance.access.models import ROLE_CHOICES, Grant, Team, User
from governance.access.registries import grant_scopes
from governance.access.selectors import with_scope
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404, plain_name

VIEW_OR_MANAGE = {"GET": Permission.PEOPLE_VIEW, "POST": Permission.PEOPLE_MANAGE}


class PersonSerializer(serializers.ModelSerializer[User]):
    """A person. What they hold is at `grants/?person=`."""

    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["id", "email", "name", "is_active", "time_zone", "joined_at"]
        read_only_fields = fields


class PersonInput(serializers.Serializer[Any]):
    """Somebody new, without any role yet."""

    email = serializers.CharField(max_length=254)
    name = serializers.CharField(max_length=150, validators=[plain_name])
    password = serializers.CharField(
        required=False, write_only=True, trim_whitespace=False, max_length=128
    )


class OptionalShortReasonInput(serializers.Serializer[Any]):
    """Why; kept in the audit log."""

    reason = serializers.CharField(max_length=300, required=False, allow_blank=True)


class PersonList(generics.ListAPIView[User]):
    """Everybody, active or not."""

    required_permission: ClassVar = VIEW_OR_MANAGE
    serializer_class = PersonSerializer
    queryset = User.objects.all()

    @extend_schema(request=PersonInput, responses={201: PersonSerializer})
    def post(self, request: Request) -> Response:
        """Add a person."""
        asked = valid(PersonInput(data=request.data))
        made = services.create_user(actor=actor_of(request), now=timezone.now(), **asked)
        return Response(PersonSerializer(made).data, status.HTTP_201_CREATED)


class PersonDetail(APIView):
    """One person."""

    required_permission = Permission.PEOPLE_VIEW

    @extend_schema(responses=PersonSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(PersonSerializer(get_or_404(User.objects.all(), pk=pk)).data)


class PersonDeactivate(APIView):
    """They can no longer sign in or decide; what they did keeps their name."""

    required_permission = Permission.PEOPLE_MANAGE

    @extend_schema(request=OptionalShortReasonInput, responses=PersonSerializer)
    def post(self, request: Request, pk: int) -> Response:
        user = get_or_404(User.objects.all(), pk=pk)
        asked = valid(OptionalShortReasonInput(data=request.data))
        changed = services.deactivate_user(
            actor=actor_of(request), user=user, now=timezone.now(), **asked
        )
        return Response(PersonSerializer(changed).data)


class PersonReactivate(APIView):
    """They can sign in again, with the roles that were not revoked since."""

    required_permission = Permission.PEOPLE_MANAGE

    @extend_schema(request=OptionalShortReasonInput, responses=PersonSerializer)
    def post(self, request: Request, pk: int) -> Response:
        user = get_or_404(User.objects.all(), pk=pk)
        asked = valid(OptionalShortReasonInput(data=request.data))
        changed = services.reactivate_user(
            actor=actor_of(request), user=user, now=timezone.now(), **asked
        )
        return Response(PersonSerializer(changed).data)


class PasswordInput(serializers.Serializer[Any]):
    """A new first password of at least 12 characters, and how one knows that it is they who ask."""

    password = serializers.CharField(write_only=True, trim_whitespace=False, max_length=128)
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True)


class PersonPassword(APIView):
    """For somebody who cannot get in. Wherever they are signed in, that ends."""

    required_permission = Permission.PEOPLE_MANAGE

    @extend_schema(request=PasswordInput, responses=PersonSerializer)
    def post(self, request: Request, pk: int) -> Response:
        user = get_or_404(User.objects.all(), pk=pk)
        asked = valid(PasswordInput(data=request.data))
        changed = passwords.give_password(
            actor=actor_of(request), user=user, now=timezone.now(), **asked
        )
        return Response(PersonSerializer(changed).data)


class TeamSerializer(serializers.ModelSerializer[Team]):
    """A cost centre."""

    parent: Any = serializers.SlugRelatedField("slug", read_only=True, allow_null=True)

    class Meta:
        model = Team
        fields: ClassVar[list[str]] = ["id", "name", "slug", "code", "parent"]
        read_only_fields = fields


class TeamInput(serializers.Serializer[Any]):
    """A new team; its short name (`slug`) is made from the name if it is left out."""

    name = serializers.CharField(max_length=120, validators=[plain_name])
    slug = serializers.CharField(
        max_length=60, required=False, allow_blank=True, validators=[plain_name]
    )
    code = serializers.CharField(max_length=30, validators=[plain_name])
    parent: Any = serializers.SlugRelatedField(
        "slug", queryset=Team.objects.all(), required=False, allow_null=True
    )


class TeamChange(serializers.Serializer[Any]):
    """Another name, another team above it or none; what is left out stays."""

    name = serializers.CharField(max_length=120, required=False, validators=[plain_name])
    parent: Any = serializers.SlugRelatedField(
        "slug", queryset=Team.objects.all(), required=False, allow_null=True
    )


class TeamList(generics.ListAPIView[Team]):
    """Every team."""

    required_permission: ClassVar = VIEW_OR_MANAGE
    serializer_class = TeamSerializer
    queryset = Team.objects.select_related("parent")

    @extend_schema(request=TeamInput, responses={201: TeamSerializer})
    def post(self, request: Request) -> Response:
        """Create a team."""
        asked = valid(TeamInput(data=request.data))
        made = services.create_team(actor=actor_of(request), now=timezone.now(), **asked)
        return Response(TeamSerializer(made).data, status.HTTP_201_CREATED)


class TeamDetail(APIView):
    """One team. Its cost code and short name never change."""

    required_permission: ClassVar = {
        "GET": Permission.PEOPLE_VIEW,
        "PATCH": Permission.PEOPLE_MANAGE,
    }

    @extend_schema(responses=TeamSerializer)
    def get(self, request: Request, slug: str) -> Response:
        return _with_tag(_team(slug))

    @extend_schema(request=TeamChange, responses=TeamSerializer)
    def patch(self, request: Request, slug: str) -> Response:
        """Rename a team, or put it under another; with If-Match, 409 when it changed since."""
        team = _team(slug)
        asked = valid(TeamChange(data=request.data))
        changed = services.change_team(
            actor=actor_of(request),
            team_id=team.pk,
            seen=request.headers.get("If-Match", "").strip('"'),
            now=timezone.now(),
            **asked,
        )
        return _with_tag(changed)


def _with_tag(team: Team) -> Response:
    """The team, with what its facts are now as ETag."""
    tag = seen_of(services.team_facts(team))
    return Response(TeamSerializer(team).data, headers={"ETag": f'"{tag}"'})


def _team(slug: str) -> Team:
    return cast(Team, get_or_404(Team.objects.select_related("parent"), slug=slug))


class GrantSerializer(serializers.ModelSerializer[Grant]):
    """A role that a person holds, or held, in a scope."""

    person = serializers.IntegerField(source="user_id", read_only=True)
    scope_kind = serializers.CharField(source="scope_type.model", read_only=True)
    scope_name = serializers.SerializerMethodField()
    granted_by = serializers.CharField(source="granted_by_label", read_only=True)
    state = serializers.SerializerMethodField()

    class Meta:
        model = Grant
        fields: ClassVar[list[str]] = [
            "id",
            "person",
            "role",
            "scope_kind",
            "scope_id",
            "scope_name",
            "starts_at",
            "ends_at",
            "revoked_at",
            "granted_by",
            "state",
        ]
        read_only_fields = fields

    def get_scope_name(self, grant: Grant) -> str:
        return str(grant.scope)

    def get_state(self, grant: Grant) -> str:
        """live, due, expired or revoked."""
        return grant.state_at(timezone.now())


class GrantInput(serializers.Serializer[Any]):
    """`scope_kind` is organisation, team or queue; only the organisation needs no `scope_id`."""

    person = serializers.PrimaryKeyRelatedField(queryset=User.objects.all())
    role = serializers.ChoiceField(ROLE_CHOICES)
    scope_kind = serializers.CharField(max_length=30, default="organisation")
    scope_id = serializers.IntegerField(required=False, min_value=1)
    ends_at = serializers.DateTimeField(required=False, allow_null=True)
    reason = serializers.CharField(max_length=300)


class GrantList(generics.ListAPIView[Grant]):
    """Roles that people hold and held."""

    required_permission: ClassVar = VIEW_OR_MANAGE
    serializer_class = GrantSerializer
    queryset = Grant.objects.all()

    def get_queryset(self) -> models.QuerySet[Grant]:
        grants, person = Grant.objects.all(), self.request.query_params.get("person", "")
        if not person:
            return with_scope(grants)
        if not person.isdecimal() or len(person) > 18:
            raise Invalid("Nothing was listed.", fields={"person": ["Give a person's id."]})
        return with_scope(grants.filter(user=int(person)))

    @extend_schema(parameters=[OpenApiParameter("person", OpenApiTypes.INT, description="Whose.")])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(request=GrantInput, responses={201: GrantSerializer})
    def post(self, request: Request) -> Response:
        """Give a person a role."""
        asked = valid(GrantInput(data=request.data))
        scope = _scope(asked.pop("scope_kind"), asked.pop("scope_id", None))
        made = services.grant_role(
            actor=actor_of(request),
            user=asked.pop("person"),
            scope=scope,
            now=timezone.now(),
            **asked,
        )
        return Response(GrantSerializer(made).data, status.HTTP_201_CREATED)


def _scope(kind: str, scope_id: int | None) -> models.Model:
    """The row that the grant is on; the organisation is the one there is."""
    if kind not in grant_scopes:
        known = ", ".join(grant_scopes)
        raise Invalid("Nothing was granted.", fields={"scope_kind": [f"Choose one of: {known}."]})
    rows = grant_scopes[kind]._default_manager.all()
    if scope_id is None and kind != "organisation":
        raise Invalid("Nothing was granted.", fields={"scope_id": [f"Give the {kind}'s id."]})
    found = rows.filter(pk=scope_id).first() if scope_id is not None else rows.first()
    if found is None:
        raise Invalid("Nothing was granted.", fields={"scope_id": [f"There is no such {kind}."]})
    return found


class GrantDetail(APIView):
    """One grant."""

    required_permission = Permission.PEOPLE_MANAGE

    @extend_schema(
        parameters=[OpenApiParameter("reason", str, description="Kept in the audit log.")],
        responses={204: None},
    )
    def delete(self, request: Request, pk: int) -> Response:
        """Revoke it: it stays in the list as revoked."""
        services.revoke_grant(
            actor=actor_of(request),
            grant_id=pk,
            reason=request.query_params.get("reason", "")[:300],
            now=timezone.now(),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)
