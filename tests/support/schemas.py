"""Whatever a test makes s2kit print as JSON, or write as a record, is held against its schema."""

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import typer
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from s2kit.cli.app import app
from s2kit.cli.boundary import _GLOBAL_VALUES, hoisted
from s2kit.cli.options import SUFFIXES, Format
from s2kit.cli.schemas.find import schema_of

WHOLE_CODES = {0, 3, 4}
"""Exit codes of runs whose stdout is complete."""
_LONGEST = 40
"""Entries of a list that are looked at: the first and the last ones."""


@dataclass(frozen=True)
class Wanted:
    """What a command line prints."""

    name: str
    form: str
    file: Path | None = None
    """The file that gets it, None for stdout."""


@cache
def _validator(name: str, form: str) -> Draft202012Validator:
    schema = schema_of(name, form)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def check_value(value: object, name: str, form: str) -> None:
    """Fail unless the schema of an output allows a value."""
    faults = sorted(_validator(name, form).iter_errors(_thinned(value)), key=lambda fault: list(map(str, fault.path)))
    texts = [f"{fault.json_path}: {fault.message[:300]}" for fault in faults[:5]]
    assert not faults, f"not what `s2kit schema {name} --of {form}` says:\n" + "\n".join(texts)


def _thinned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _thinned(item) for key, item in value.items()}
    if isinstance(value, list):
        kept = value if len(value) <= _LONGEST else value[: _LONGEST // 2] + value[-_LONGEST // 2 :]
        return [_thinned(item) for item in kept]
    return value


def check_text(text: str, wanted: Wanted, code: int) -> None:
    """Fail unless a text is JSON of its schema; one that a failure cut off need not be whole."""
    many = wanted.name in {"pixels", "pixels-stats"} and not text.startswith("[") and text.count("\n") > 1
    for part in text.splitlines() if wanted.form == "jsonl" or many else [text]:
        try:
            value = json.loads(part)
        except json.JSONDecodeError:
            assert code not in WHOLE_CODES or not text, f"s2kit printed no JSON:\n{text[:500]}"
            continue
        check_value(value, wanted.name, wanted.form)


def wanted_of(words: Sequence[str]) -> Wanted | None:
    """What a command line prints, if it has a schema."""
    try:
        path, options = _parsed(hoisted(list(words)))
    except Exception:  # noqa: BLE001 - a command line that s2kit refuses prints nothing
        return None
    rule = _RULES.get(path)
    return None if rule is None else rule(options)


def _parsed(words: list[str]) -> tuple[str, Mapping[str, Any]]:
    """The verb with its subcommand, and its options."""
    while words and words[0].startswith("-"):
        words = words[2:] if words[0] in _GLOBAL_VALUES else words[1:]
    command, path = typer.main.get_command(app), []
    while hasattr(command, "commands") and words:
        path.append(words[0])
        command, words = command.commands[words[0]], words[1:]
    return " ".join(path), command.make_context(path[-1], list(words), resilient_parsing=True).params


def _listing(name: str, options: Mapping[str, Any], default: Format = Format.TABLE) -> Wanted | None:
    """A verb whose records `emit` prints."""
    output = options.get("output")
    suffix = SUFFIXES.get(output.suffix.lower()) if output is not None else None
    form = options.get("form") or suffix or default
    return Wanted(name, str(form), output) if form in {Format.JSON, Format.JSONL, Format.GEOJSON} else None


def _search(options: Mapping[str, Any]) -> Wanted | None:
    if options["form"] is Format.STAC:
        parquet = options["output"] is not None and options["output"].suffix == ".parquet"
        return None if parquet else Wanted("search-stac", "stac", options["output"])
    return _listing("search-audit" if options["audit"] else "search", options)


def _chips(options: Mapping[str, Any]) -> Wanted | None:
    if options["difference"] is not None:
        return None
    if options["listing"] or options["dry_run"]:
        return _listing("chips-list", options)
    if options["form"] is None:
        return Wanted("chips-raw", "json") if options["raw"] else None
    return _listing("chips", options)


def _pixels(options: Mapping[str, Any]) -> Wanted | None:
    form = options["form"]
    if options["dry_run"]:
        return Wanted("pixels-plan", form) if form in {"json", "jsonl"} else None
    if options["out"] is not None or (options["output"] is not None and options["output"].suffix != ".json"):
        return None
    if form == "stats":
        return Wanted("pixels-stats", "stats", options["output"])
    return Wanted("pixels", "json", options["output"]) if form in {None, "json", "jsonl"} else None


def _stats(options: Mapping[str, Any]) -> Wanted | None:
    if options["clear"]:
        return _listing("stats-clear", options)
    return None if options["lines"] or options["plot"] is not None else _listing("stats", options)


def _parcels(options: Mapping[str, Any]) -> Wanted | None:
    return Wanted("parcels-lists", "json", options["output"]) if options["lists"] else _listing("parcels", options)


def _one_or_all(one: str, many: str) -> Callable[[Mapping[str, Any]], Wanted | None]:
    return lambda options: (
        _listing(one, options, Format.JSON) if options["name"] is not None else _listing(many, options)
    )


def _schema(options: Mapping[str, Any]) -> Wanted | None:
    return None if options["name"] is not None else _listing("schema", options)


def _plain(name: str, default: Format = Format.TABLE) -> Callable[[Mapping[str, Any]], Wanted | None]:
    return lambda options: _listing(name, options, default)


_RULES: Mapping[str, Callable[[Mapping[str, Any]], Wanted | None]] = {
    "bands": _plain("bands"),
    "cache clear": _plain("cache"),
    "cache show": _plain("cache"),
    "chips": _chips,
    "collections": _one_or_all("collection", "collections"),
    "config show": _plain("config"),
    "doctor": _plain("doctor"),
    "download": lambda options: _listing("download-plan" if options["dry_run"] else "download", options),
    "info": _plain("info"),
    "jobs list": _plain("jobs"),
    "jobs logs": _plain("jobs-logs"),
    "jobs results": _plain("jobs-results"),
    "jobs show": _plain("jobs-show", Format.JSON),
    "jobs start": _plain("jobs"),
    "parcels": _parcels,
    "pixels": _pixels,
    "processes": _one_or_all("process", "processes"),
    "render": lambda options: _listing("render", {"form": options["listing"]}),
    "schema": _schema,
    "search": _search,
    "serve user list": _plain("serve-users"),
    "stats": _stats,
    "validate": _plain("validate"),
    "verify": lambda options: _listing("verify-files" if options["files"] else "verify", options),
}
"""What each verb prints; a verb that is not here prints paths, or files of other specifications."""


def check_run(words: Sequence[str], stdout: Callable[[], str], code: int, *, with_files: bool) -> None:
    """Hold what one run left against the schemas."""
    if "--help" in words or "-h" in words:
        return
    wanted = wanted_of(words)
    if wanted is not None and wanted.file is None:
        check_text(stdout(), wanted, code)
    elif wanted is not None and with_files and code in WHOLE_CODES and wanted.file is not None:
        check_text(wanted.file.read_text(encoding="utf-8"), wanted, code)
    if with_files:
        _check_log(list(words))


def _check_log(words: list[str]) -> None:
    """The last line of the file of `--log-requests`."""
    if "--log-requests" in words[:-1]:
        file = Path(words[words.index("--log-requests") + 1])
        if file.is_file() and (lines := file.read_text(encoding="utf-8").splitlines()):
            check_value(json.loads(lines[-1]), "log-requests", "jsonl")


def watch() -> None:
    """From now on check every run of the command line, in this process and in children, and every record."""
    _watch_runner()
    _watch_children()


def _watch_runner() -> None:
    invoke = CliRunner.invoke

    def checked(self: CliRunner, cli: Any, args: Any = None, **options: Any) -> Any:
        if cli is app:
            _watch_records()
        result = invoke(self, cli, args, **options)
        if cli is app and not isinstance(args, str):
            check_run([*map(str, args or ())], lambda: result.stdout, result.exit_code, with_files=True)
        return result

    CliRunner.invoke = checked  # type: ignore[method-assign]


def _watch_children() -> None:
    run = subprocess.run

    def checked(arguments: Any, *others: Any, **options: Any) -> Any:
        done = run(arguments, *others, **options)
        words = _words_of(arguments)
        if words is not None and done.stdout:
            out = done.stdout
            check_run(words, lambda: out if isinstance(out, str) else out.decode(), done.returncode, with_files=False)
        return done

    subprocess.run = checked  # type: ignore[assignment]


def _words_of(arguments: Any) -> list[str] | None:
    """The words for s2kit of a child's command line."""
    if isinstance(arguments, (str, bytes, Path)):
        return None
    words = [str(word) for word in arguments]
    if "-m" in words[:-1] and words[words.index("-m") + 1] == "s2kit":
        return words[words.index("-m") + 2 :]
    return words[1:] if words and Path(words[0]).name == "s2kit" else None


@cache
def _watch_records() -> None:
    """Check the records beside products and chips as they are made in this process."""
    from s2kit.chips import output
    from s2kit.download import item
    from s2kit.download.record import DownloadRecord

    to_json, geojson, write_proofs = DownloadRecord.to_json, output._geojson, item._write_proofs

    def record(self: DownloadRecord) -> str:
        text = to_json(self)
        check_value(json.loads(text), "download-record", "json")
        return text

    def page(*args: Any, **options: Any) -> bytes:
        text = geojson(*args, **options)
        check_value(json.loads(text), "chips-page", "geojson")
        return text

    def proofs(plan: Any, *args: Any, **options: Any) -> None:
        write_proofs(plan, *args, **options)
        check_value(json.loads(plan.place.proofs.read_text(encoding="utf-8")), "download-item", "json")

    DownloadRecord.to_json = record  # type: ignore[method-assign]
    output._geojson, item._write_proofs = page, proofs
