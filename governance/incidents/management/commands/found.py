"""`manage.py found`: an organisation of one's own in an empty database, with its first person."""

from __future__ import annotations

import getpass
import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from governance.access import services as access
from governance.access.models import Organisation
from governance.access.training import install_starting_trainings
from governance.approvals.services import install_starting_policies
from governance.incidents.services import install_starting_playbooks
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid
from governance.policy.rule_sets import install_starting_rule_sets
from governance.registry.scoring_models import install_starting_scoring_model

PASSWORD = "PLACET_FIRST_PASSWORD"  # noqa: S105  # the variable's name


class Command(BaseCommand):
    help = (
        "Make the organisation, its first administrator, the starting approval policies, "
        f"the scoring model and playbooks. Asks for the password, or takes it from {PASSWORD}."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("organisation", help="its name")
        parser.add_argument("email", help="the first administrator's address")
        parser.add_argument("name", help="the first administrator's name")

    def handle(self, *args: Any, **options: Any) -> None:
        if Organisation.objects.exists():
            raise CommandError("Nothing was made: this database has its organisation already.")
        password = os.environ.get(PASSWORD) or getpass.getpass("Password of the first person: ")
        try:
            found(options["organisation"], options["email"], options["name"], password)
        except Invalid as refused:
            raise CommandError(refused.message) from None
        self.stdout.write(f"{options['organisation']} is there. Sign in as {options['email']}.")


@transaction.atomic
def found(organisation: str, email: str, name: str, password: str) -> None:
    """All of it or nothing. Raises Invalid for a bad address or a weak password."""
    now, actor = timezone.now(), Actor.system("founding")
    scope = access.create_organisation(actor=actor, name=organisation, now=now)
    person = access.create_user(actor=actor, email=email, name=name, password=password, now=now)
    access.grant_role(actor=actor, user=person, role="administrator", scope=scope, now=now)
    install_starting_policies(actor=actor, now=now)
    install_starting_trainings(actor=actor, now=now)
    install_starting_scoring_model(actor=actor, now=now)
    install_starting_rule_sets(actor=actor, now=now)
    install_starting_playbooks(actor=actor, now=now)
