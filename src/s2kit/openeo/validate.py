"""Validating a graph: all problems at once, each with its node, before any pixel is read. Computes only.

The official descriptions' JSON schemas say which arguments there are and of which type; the rest are the graph's own
rules (references, circles, results) and what the collections and formats say of themselves.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from typing import Any

from s2kit.errors import ConfigError
from s2kit.openeo.errors import INSTALL, GraphError, Problem
from s2kit.openeo.graph import (
    MAX_NESTING,
    Nodes,
    ProcessGraph,
    arguments_of,
    is_callback,
    parameter_references,
    references,
    topological,
)
from s2kit.openeo.specs import parameters_of, spec_of, specs

Check = Callable[[str, Mapping[str, Any]], Iterator[Problem]]
"""Takes the path of a node and its arguments; gives what is wrong with them."""
MAX_PROBLEMS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a back-end adds to the specifications."""

    checks: Mapping[str, Check] = field(default_factory=dict)
    """More checks by process."""
    parameters: frozenset[str] = frozenset()
    """Parameters that have values."""


def validate(graph: ProcessGraph, rules: Rules | None = None) -> list[Problem]:
    """All problems of a graph; empty if it is valid.

    Args:
        graph: The graph in openEO's own words.
        rules: More checks, and which parameters have values.
    """
    rules = rules or Rules()
    known = rules.parameters | {str(one.get("name")) for one in graph.parameters if "default" in one}
    found: list[Problem] = []
    todo: list[tuple[Nodes, str, frozenset[str]]] = [(graph.nodes, "", known)]
    while todo and len(found) < MAX_PROBLEMS:
        nodes, path, scope = todo.pop()
        found += _structure(nodes, path)
        for name, node in nodes.items():
            place = f"{path}{name}"
            problems, callbacks = _node(place, node, nodes, scope, rules)
            found += problems
            todo += callbacks
    return found[:MAX_PROBLEMS]


def require_valid(graph: ProcessGraph, rules: Rules | None = None) -> None:
    """Raise if a graph is not valid.

    Raises:
        GraphError: With all problems.
    """
    if problems := validate(graph, rules):
        raise GraphError.of(problems)


def _structure(nodes: Nodes, path: str) -> Iterator[Problem]:
    """Circles, and one result."""
    _, circle = topological(nodes)
    if circle:
        names = ", ".join(circle[:5]) + (" …" if len(circle) > 5 else "")
        yield Problem("ProcessGraphInvalid", f"nodes take from each other in a circle: {names}", f"{path}{circle[0]}")
    marked = [name for name, node in nodes.items() if isinstance(node, Mapping) and node.get("result") is True]
    where = path.removesuffix("/") or None
    if not marked:
        yield Problem("ProcessGraphInvalid", "no node is the result", where, hint='set "result": true on one node')
    elif len(marked) > 1:
        text = f"{len(marked)} nodes are the result: {', '.join(marked[:5])}"
        yield Problem("ProcessGraphInvalid", text, f"{path}{marked[1]}", hint='set "result": true on one node only')


def _node(
    place: str, node: Any, nodes: Nodes, scope: frozenset[str], rules: Rules
) -> tuple[list[Problem], list[tuple[Nodes, str, frozenset[str]]]]:
    """Problems of one node, and the callbacks in it."""
    if not isinstance(node, Mapping) or not isinstance(node.get("process_id"), str):
        return [Problem("ProcessGraphInvalid", "a node is an object with a process_id", place)], []
    process = node["process_id"]
    if process not in specs():
        near = get_close_matches(process, specs(), 1)
        hint = f"did you mean {near[0]}?" if near else "s2kit processes lists all"
        return [Problem("ProcessUnsupported", f"there is no process {process!r}", place, hint=hint)], []
    if not isinstance(node.get("arguments", {}), Mapping):
        return [Problem("ProcessArgumentInvalid", "arguments are an object", place)], []
    arguments = arguments_of(node)
    problems = [*_names(place, process, arguments), *_references(place, arguments, nodes, scope)]
    callbacks: list[tuple[Nodes, str, frozenset[str]]] = []
    for name, value in arguments.items():
        if name not in parameters_of(spec_of(process)):
            continue
        for inner, graph in _callbacks(process, name, value):
            if place.count("/") // 2 + 1 >= MAX_NESTING:
                problems.append(Problem("ProcessGraphComplexity", "callbacks are nested too deeply", place, name))
                continue
            given = _callback_parameters(process, name)
            callbacks.append((graph, f"{place}/{inner}/", scope | given))
        problems += _types(place, process, name, value)
    if not problems and process in rules.checks:
        problems += rules.checks[process](place, arguments)
    return problems, callbacks


def _names(place: str, process: str, arguments: Mapping[str, Any]) -> Iterator[Problem]:
    """Arguments that are not known, and those that are missing."""
    known = parameters_of(spec_of(process))
    for name in arguments:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"{process} takes {', '.join(known) or 'no argument'}"
            yield Problem("ProcessArgumentUnsupported", f"{process} has no argument {name!r}", place, name, hint)
    for name, one in known.items():
        if name not in arguments and not one.get("optional"):
            yield Problem("ProcessArgumentRequired", f"{process} needs the argument {name!r}", place, name)


def _references(place: str, arguments: Mapping[str, Any], nodes: Nodes, scope: frozenset[str]) -> Iterator[Problem]:
    for name, value in arguments.items():
        for other in references(value):
            if other not in nodes:
                near = get_close_matches(other, nodes, 1)
                hint = f"did you mean {near[0]}?" if near else None
                yield Problem("ProcessGraphInvalid", f"there is no node {other!r} to take from", place, name, hint)
        for parameter in parameter_references(value):
            if parameter not in scope:
                hint = f"give it with --param {parameter}=VALUE" if "/" not in place else None
                yield Problem("ProcessParameterMissing", f"parameter {parameter!r} has no value", place, name, hint)


def _schemas(process: str, argument: str) -> list[Mapping[str, Any]]:
    schema = parameters_of(spec_of(process))[argument].get("schema", {})
    return list(schema) if isinstance(schema, list) else [schema]


def _callbacks(process: str, name: str, value: Any) -> Iterator[tuple[str, Nodes]]:
    """Callbacks of an argument with their places: one, or one for each property of a filter."""
    if is_callback(value):
        if _takes_graphs(process, name):
            yield name, value["process_graph"]
    elif isinstance(value, Mapping) and any(one.get("subtype") == "metadata-filter" for one in _schemas(process, name)):
        for key, one in value.items():
            if is_callback(one):
                yield f"{name}.{key}", one["process_graph"]


def _takes_graphs(process: str, argument: str) -> bool:
    return any(schema.get("subtype") == "process-graph" for schema in _schemas(process, argument))


def _callback_parameters(process: str, argument: str) -> frozenset[str]:
    """Names of the parameters that a process hands to a callback."""
    return frozenset(
        str(one["name"])
        for schema in _all_schemas(_schemas(process, argument))
        for one in schema.get("parameters", ())
        if isinstance(one, Mapping) and "name" in one
    )


def _all_schemas(schemas: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    todo = list(schemas)
    while todo:
        schema = todo.pop()
        yield schema
        extra = schema.get("additionalProperties")
        todo += [extra] if isinstance(extra, Mapping) else []
        todo += [one for one in schema.get("anyOf", ()) if isinstance(one, Mapping)]


def _types(place: str, process: str, name: str, value: Any) -> Iterator[Problem]:
    """What the schema of an argument says against a value; a value with references is known only when it runs."""
    if references(value) or parameter_references(value):
        return
    if is_callback(value):
        if not _takes_graphs(process, name):
            yield Problem("ProcessArgumentInvalid", f"{process} takes no process graph here", place, name)
        return
    if value is None and _optional_null(process, name):
        return
    error = _validator(process, name)(value)
    if error is not None:
        yield Problem("ProcessArgumentInvalid", error, place, name)


def _optional_null(process: str, name: str) -> bool:
    one = parameters_of(spec_of(process))[name]
    return bool(one.get("optional")) and one.get("default") is None


@cache
def _validator(process: str, name: str) -> Callable[[Any], str | None]:
    """A function that says in one line what is wrong with a value; None if nothing is."""
    try:
        from jsonschema import Draft7Validator
        from jsonschema.exceptions import best_match
        from referencing import Registry
        from referencing.jsonschema import DRAFT7
    except ImportError as error:
        raise ConfigError(f"process graphs need {error.name}", INSTALL) from error

    def anything(address: str) -> Any:  # GeoJSON's schemas: nothing is fetched, geometries are read when they are used
        return DRAFT7.create_resource({})

    schemas = _schemas(process, name)
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    registry: Any = Registry(retrieve=anything)  # type: ignore[call-arg]
    validator = Draft7Validator(schema, registry=registry)

    def check(value: Any) -> str | None:
        error = best_match(validator.iter_errors(value))
        if error is None:
            return None
        where = "".join(f"[{part!r}]" if isinstance(part, str) else f"[{part}]" for part in error.absolute_path)
        text = " ".join(error.message.split())
        return f"{where + ': ' if where else ''}{text if len(text) <= 160 else text[:157] + '…'}"

    return check
