"""Settings as text: what `config show` prints and what the example files say."""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from s2kit.settings import BUILT_IN, ENV_PREFIX, OLD_NAMES, SECRETS, Loaded, Settings

_HEAD = """\
# Settings of s2kit. Copy to settings.toml beside your data, or to the place that `s2kit config path` names.
# Every line that is commented out shows a built-in value. A flag or a variable S2KIT_NAME is stronger than this file.
# Secrets do not belong here: see .env-example. Beside your data this file may say what to do, but not where logs,
# caches, addresses and payments go, unless `trusted_folders` of your own settings name the folder.
"""


def toml_value(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(toml_value(one) for one in value)}]"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _entries(value: Any) -> dict[str, Any]:
    """The entries of a table of the settings that say something."""
    names = [f.name for f in fields(value)] if hasattr(value, "__dataclass_fields__") else list(value)
    get = (lambda name: getattr(value, name)) if hasattr(value, "__dataclass_fields__") else value.__getitem__
    return {name: get(name) for name in names if get(name) is not None and name != "name"}


def settings_record(loaded: Loaded, *, origins: bool) -> dict[str, Any]:
    """All settings as plain values; with `origins` each is `{value, origin}`."""

    def shown(dotted: str, value: Any) -> Any:
        plain = str(value) if isinstance(value, Path) else value
        return {"value": plain, "origin": loaded.origins.get(dotted, BUILT_IN)} if origins else plain

    record: dict[str, Any] = {}
    for setting in fields(Settings):
        value = getattr(loaded.settings, setting.name)
        if not isinstance(value, dict):
            record[setting.name] = shown(setting.name, value)
            continue
        record[setting.name] = {
            name: (
                {key: shown(f"{setting.name}.{name}.{key}", entry) for key, entry in _entries(item).items()}
                if hasattr(item, "__dataclass_fields__")
                else shown(f"{setting.name}.{name}", item)
            )
            for name, item in value.items()
        }
    record["secrets"] = {name: "***" if name in loaded.secrets else None for name in SECRETS}
    return record


def settings_lines(loaded: Loaded, *, origins: bool) -> Iterator[str]:
    """All settings as lines of TOML, each with its origin in a comment where asked."""

    def line(dotted: str, key: str, value: Any) -> str:
        text = f"{key} = {toml_value(value)}"
        return f"{text}  # {loaded.origins.get(dotted, BUILT_IN)}" if origins else text

    tables = []
    for setting in fields(Settings):
        value = getattr(loaded.settings, setting.name)
        if isinstance(value, dict):
            tables.append((setting.name, value))
        else:
            yield line(setting.name, setting.name, value)
    for table, items in tables:
        flat = {name: item for name, item in items.items() if not hasattr(item, "__dataclass_fields__")}
        if flat:
            yield f"\n[{table}]"
            yield from (line(f"{table}.{name}", name, item) for name, item in flat.items())
        for name, item in items.items():
            if name not in flat:
                yield f"\n[{table}.{name}]"
                yield from (line(f"{table}.{name}.{key}", key, entry) for key, entry in _entries(item).items())
    yield ""
    for name, variables in SECRETS.items():
        yield f"# {variables[0]}: {'set' if name in loaded.secrets else 'not set'}"


def settings_example() -> str:
    """The text of `settings.example.toml`: every setting with its meaning and its built-in value, commented out."""
    parts = [_HEAD]
    built_in = Settings()
    tables = []
    for setting in fields(Settings):
        value = getattr(built_in, setting.name)
        if isinstance(value, dict):
            tables.append((setting, value))
            continue
        shown = setting.metadata["example"] or toml_value(value)
        parts.append(f"# {setting.metadata['about']}\n#{setting.name} = {shown}\n")
    for setting, items in tables:
        parts.append(f"# {setting.metadata['about']}")
        flat = {name: item for name, item in items.items() if not hasattr(item, "__dataclass_fields__")}
        if not items:
            parts.append(f"#[{setting.name}]\n# {setting.metadata['example']}\n")
        if flat:
            parts.append(f"#[{setting.name}]\n" + "".join(f"#{k} = {toml_value(v)}\n" for k, v in flat.items()))
        for name, item in items.items():
            if name not in flat:
                entries = "".join(f"#{key} = {toml_value(entry)}\n" for key, entry in _entries(item).items())
                parts.append(f"#[{setting.name}.{name}]\n{entries}")
    return "\n".join(parts)


def env_example() -> str:
    """The text of `.env-example`: every variable that s2kit reads, all commented out."""
    lines = [
        "# Environment of s2kit. Copy to .env beside your data; the process's own environment is stronger.",
        "# Credentials: fill in those that you need. AWS profiles and ~/.netrc work as usual, without this file.",
        "# Each goes to its own service only: AWS's to AWS and to endpoints of your own settings, CDSE's to CDSE.",
        *(f"#{variables[0]}=" for variables in SECRETS.values()),
        "",
        "# Older names that are still understood:",
        *(f"# as {SECRETS[name][0]}:\n#{old}=" for name in SECRETS for old in SECRETS[name][1:]),
        *(f"# as {ENV_PREFIX}{name.upper()}:\n#{old}=" for old, name in OLD_NAMES.items()),
        "",
        "# Any setting can be given here; a table's entry is joined with two underscores.",
    ]
    for setting in fields(Settings):
        value = getattr(Settings(), setting.name)
        if isinstance(value, dict):
            first = next(iter(value), "")
            if not first:
                continue
            inner = "" if isinstance(value[first], str) else f"__{next(iter(_entries(value[first]))).upper()}"
            lines.append(f"#{ENV_PREFIX}{setting.name.upper()}__{first.replace('-', '_').upper()}{inner}=")
        else:
            text = setting.metadata["example"] or value
            shown = "" if isinstance(value, tuple) else str(text).lower() if isinstance(value, bool) else str(text)
            shown = shown.strip('"')
            lines.append(f"#{ENV_PREFIX}{setting.name.upper()}={shown}")
    return "\n".join(lines) + "\n"
