"""`s2kit doctor`: is everything here that s2kit needs?"""

from typing import Annotated

import typer

from s2kit.cli.context import session
from s2kit.cli.options import Format, StdoutFormat


def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Do not contact any service.")] = False,
    form: StdoutFormat = Format.TABLE,
) -> None:
    """Check this machine, and print how to mend what is wrong.

    Packages and extras, GDAL, PROJ and OpenJPEG, folders, keys, clock and services; exit code 0 unless a check fails.
    """
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
