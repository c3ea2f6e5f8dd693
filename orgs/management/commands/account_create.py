from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from orgs.services.account import account_create
from portal.errors import Refused


class Command(BaseCommand):
    help = "Creates the account and its first System administrator, and prints the password to sign in with once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="Name of the organization.")
        parser.add_argument("email", help="Address the administrator signs in with.")
        parser.add_argument("person", help="The administrator's name.")

    def handle(self, *args: Any, name: str, email: str, person: str, **options: Any) -> None:
        try:
            administrator = account_create(name=name, email=email, person=person)
        except Refused as refusal:
            raise CommandError(" ".join(refusal.messages)) from None
        way = f"with the password {administrator.password}" if administrator.password else "by the identity provider"
        self.stdout.write(f"{administrator.user.email} signs in {way}")
