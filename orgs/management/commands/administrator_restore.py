from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from orgs.services.account import administrator_restore
from portal.errors import Refused


class Command(BaseCommand):
    help = (
        "For an organization whose last System administrator is lost: makes somebody System administrator of the whole "
        "account for good, and prints the password to sign in with once. Who is there already is activated, loses the "
        "second factor and all sessions, and keeps everything else; who is not is made. It is told in the audit log."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="Address the administrator signs in with.")
        parser.add_argument("--name", default="", help="The person's name, where the person is new.")

    def handle(self, *args: Any, email: str, name: str, **options: Any) -> None:
        try:
            administrator = administrator_restore(email=email, person=name)
        except Refused as refusal:
            raise CommandError(" ".join(refusal.messages)) from None
        way = f"with the password {administrator.password}" if administrator.password else "by the identity provider"
        self.stdout.write(f"{administrator.user.email} is System administrator and signs in {way}")
