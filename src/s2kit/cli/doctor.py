"""`s2kit doctor`: is everything here that s2kit needs?"""

from typing import Annotated

import typer

from s2kit.cli.context import session
from s2kit.cli.options import Format, StdoutFormat


def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Ask no service.")] = False,
    form: StdoutFormat = Format.TABLE,
) -> None:
    """Check libraries, decoders, credentials, disk space, clock and services; print what to fix."""
    from s2kit.admin.doctor import diagnose, worst
    from s2kit.cli.output import emit

    with session("doctor") as run:
        checks = diagnose(run.settings, run.secrets, offline=offline)
        emit(
            [check.record() for check in checks],
            form,
            ("check", "state", "detail", "hint"),
            command="doctor",
            id_key="check",
        )
        error = worst(checks)
        if error is not None:
            raise error
