"""`s2kit serve`: the HTTP service, and its users."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s2kit.cli.context import Session, session, words_for_jobs
from s2kit.cli.options import Format, StdoutFormat

if TYPE_CHECKING:
    from s2kit.serve.users import UserStore
    from s2kit.settings import Loaded

serve_app = typer.Typer(help="Serve all of s2kit over HTTP.", invoke_without_command=True)
user_app = typer.Typer(no_args_is_help=True, help="Users who may log in to the service.")
serve_app.add_typer(user_app, name="user")

State = Annotated[
    Path | None,
    typer.Option("--state", metavar="DIR", help="Folder of users and results; default: the user's data folder."),
]


@serve_app.callback()
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Address to bind to.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", "-p", metavar="N", min=1, max=65535, help="TCP port.")] = 8080,
    workers: Annotated[int, typer.Option("--workers", metavar="N", min=1, help="Server processes.")] = 1,
    state: State = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Let everybody in without a login, from other machines too.")
    ] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host", metavar="NAME", help="Name that clients may call the service by; may be repeated."
        ),
    ] = None,
    root_path: Annotated[
        str, typer.Option("--root-path", metavar="PATH", help="Path that a proxy puts in front, such as /s2kit.")
    ] = "",
    forwarded_allow_ips: Annotated[
        str, typer.Option("--forwarded-allow-ips", metavar="IPS", help="Proxies whose X-Forwarded headers count.")
    ] = "127.0.0.1",
    tls_cert: Annotated[Path | None, typer.Option("--tls-cert", metavar="FILE", help="Certificate chain, PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", metavar="FILE", help="Private key, PEM.")] = None,
    audit: Annotated[
        Path | None, typer.Option("--audit", metavar="FILE", help="Append a JSON line for each request to this file.")
    ] = None,
    cluster: Annotated[
        str, typer.Option("--cluster", metavar="ADDRESS", help="Dask scheduler that jobs are handed to.")
    ] = "",
    demo: Annotated[bool, typer.Option("--demo", help="Serve the demo's data; it is made if it is not there.")] = False,
) -> None:
    """Serve the verbs over HTTP: legacy services, openEO, tiles and a page for people.

    s2kit serve --demo
    """
    if context.invoked_subcommand is not None:
        return
    with session("serve") as run:
        _needs_extra()
        from s2kit.cli.shutdown import leave_signals_alone
        from s2kit.serve.options import ServeOptions, check_exposed, is_loopback
        from s2kit.serve.run import run_server
        from s2kit.serve.users import UserStore

        loaded, folder = _demo(run) if demo else (run.loaded, Path().absolute())
        loaded = _free_unless_allowed(loaded)
        users = len(UserStore(_state_folder(state)).names())
        options = ServeOptions(
            loaded=loaded,
            folder=folder,
            job_words=(
                *words_for_jobs(),
                "--dataset",
                str(loaded.settings.dataset.absolute()),
                *(("--cluster", cluster) if cluster else ()),
            ),
            state=_state_folder(state),
            host=host,
            port=port,
            workers=workers,
            needs_login=users > 0 or not is_loopback(host),
            insecure=insecure,
            root_path=root_path.rstrip("/"),
            allowed_hosts=tuple(allow_host or ()),
            forwarded_allow_ips=forwarded_allow_ips,
            tls_cert=tls_cert,
            tls_key=tls_key,
            audit=audit,
            cluster=cluster,
        )
        check_exposed(options, users)
        leave_signals_alone()
        run_server(options)


@user_app.command("add")
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name to log in with.")],
    state: State = None,
    may_pay: Annotated[
        bool, typer.Option("--may-pay", help="Let this user's requests read archives that bill the reader.")
    ] = False,
) -> None:
    """Add a user; the password is asked for, or read from stdin.

    s2kit serve user add anna
    """
    with session("serve"):
        _users(state).add(name, _password(), may_pay=may_pay)


@user_app.command("list")
def list_users(state: State = None, form: StdoutFormat = Format.TABLE) -> None:
    """List the users."""
    with session("serve"):
        from s2kit.cli.output import emit

        emit(
            ({"name": name} for name in _users(state).names()),
            form,
            ("name",),
            command="serve",
            schema="serve-users",
            id_key="name",
        )


@user_app.command("remove")
def remove(name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the user.")], state: State = None) -> None:
    """Remove a user and all logins."""
    with session("serve"):
        _users(state).remove(name)


def _users(state: Path | None) -> "UserStore":
    from s2kit.serve.users import UserStore

    return UserStore(_state_folder(state))


def _state_folder(given: Path | None) -> Path:
    from platformdirs import user_data_path

    return (given or user_data_path("s2kit") / "serve").absolute()


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


def _needs_extra() -> None:
    from importlib.util import find_spec

    from s2kit.errors import ConfigError

    if find_spec("fastapi") is None or find_spec("uvicorn") is None:
        raise ConfigError("s2kit serve needs FastAPI and uvicorn", "pip install 's2kit[serve]'")


def _free_unless_allowed(loaded: "Loaded") -> "Loaded":
    """Settings in which no archive that bills its readers is named: naming one is consent, of whoever sits here.

    Jobs inherit the environment, which says the same.
    """
    from dataclasses import replace

    settings = loaded.settings
    named = settings.archives.get(settings.archive)
    if settings.archive == "aws" or (named is not None and named.requester_pays):
        os.environ["S2KIT_ARCHIVE"] = "auto"
        return replace(loaded, settings=replace(settings, archive="auto"))
    return loaded


def _demo(run: Session) -> "tuple[Loaded, Path]":
    """The demo's products and parcels, and the folder where they are; made in `s2kit-demo` if need be."""
    from dataclasses import replace

    from s2kit.demo.run import prepare
    from s2kit.store.archive import Archive

    folder = prepare(Path("s2kit-demo"), jobs=run.settings.jobs, report=run.report)
    settings = replace(
        run.settings,
        dataset=folder / "scene",
        catalogue="local",
        archives={"gcp": Archive(name="gcp", address=str(folder / "scene"))},
        parcel_files={"demo": str(folder / "parcels.geojson")},
    )
    return replace(run.loaded, settings=settings), folder
