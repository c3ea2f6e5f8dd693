from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand, CommandError

from orgs.services.keys import credentials_renew
from portal.formats import counted


class Command(BaseCommand):
    help = (
        "Encrypts the credentials of clusters and the secrets of second factors and webhooks anew, with the first of "
        "BURSAR_CREDENTIAL_KEYS: put a new key in front, restart, run this, and take the old ones out."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = credentials_renew()
        except ValueError as problem:
            raise CommandError(f"Nothing was changed. {problem}") from None
        self.stdout.write(
            f"Credentials of {counted(done.clusters, 'cluster')}, {counted(done.second_factors, 'second factor')} and "
            f"{counted(done.webhooks, 'webhook')} are encrypted with the first key. The others may go."
        )
