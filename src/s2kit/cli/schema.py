"""`s2kit schema`: JSON Schemas of what the verbs print."""

from typing import Annotated

import typer

from s2kit.cli.context import session
from s2kit.cli.options import Format, OutputFile, StdoutFormat

COLUMNS = ("name", "version", "formats", "about")


def schema(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Verb or output, as `s2kit schema` lists them.")
    ] = None,
    of: Annotated[
        str | None,
        typer.Option("--of", metavar="json|jsonl|geojson", help="Format whose schema is printed; json by default."),
    ] = None,
    form: StdoutFormat = Format.TABLE,
    output: OutputFile = None,
) -> None:
    """Print the JSON Schema (2020-12) of an output, or list all.

    s2kit schema search --of jsonl
    """
    with session("schema"):
        from s2kit.cli.json_text import to_json
        from s2kit.cli.output import emit, write_lines
        from s2kit.cli.schemas.find import SCHEMAS, schema_of
        from s2kit.errors import UsageError

        if name is not None:
            write_lines([to_json(schema_of(name, of), indent=2)], output)
            return
        if of is not None:
            raise UsageError("--of needs the name of a schema", "s2kit schema search --of jsonl")
        emit((one.record() for one in SCHEMAS.values()), form, COLUMNS, command="schema", id_key="name", output=output)
