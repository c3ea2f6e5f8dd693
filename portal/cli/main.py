"""The command `bursar` with all that is under it."""

from __future__ import annotations

import click

from portal.cli import organization, quota, sign_in, work
from portal.cli.common import commands, examples
from portal.cli.errors import EXIT_CODES
from portal.cli.explaining import explain
from portal.cli.logs import logs
from portal.cli.nouns import NOUNS
from portal.cli.shells import completion
from portal.cli.slots import slots
from portal.cli.top import top

EXAMPLES = (
    "bursar login https://bursar.example.org",
    "bursar project list --scope vision -o wide",
    "bursar quota create vis-3d a100 --gpu 6 --dry-run",
    "bursar workload submit train-9 --project vis-3d --image python:3.12 --gpu 1",
)
CODES = "\b\nHow it ends:\n" + "\n".join(f"  {code}  {words}" for code, words in EXIT_CODES.items())


@click.group(
    epilog=f"{examples(EXAMPLES)}\n\n{CODES}",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(package_name="bursar")
def main() -> None:
    """Shares GPU clusters between the people of an organization.

    Things are named by name, by where they lie and name (vision/vis-3d), or by id. Amounts are typed as 2 or 0.5
    (GPUs), 4 or 500m (cores), 8Gi (memory), 90s, 15m or 2h (time).
    """


for noun in NOUNS:
    main.add_command(commands(noun))
work.group.add_command(logs)
for command in (
    quota.group,
    work.group,
    organization.export,
    organization.diff,
    organization.apply,
    explain,
    top,
    slots,
    sign_in.login,
    sign_in.logout,
    sign_in.whoami,
    sign_in.can_i,
    completion,
):
    main.add_command(command)
