"""Process graphs as they come: envelopes, references, order. Computes only, and never by recursion over nodes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from s2kit.openeo.errors import GraphError, Problem
from s2kit.openeo.job import process_of

MAX_NODES = 20_000
"""Nodes of one graph, callbacks included."""
MAX_NESTING = 16
"""How deep callbacks may be nested in one another."""

Node = Mapping[str, Any]
Nodes = Mapping[str, Node]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessGraph:
    """A graph without its envelope."""

    nodes: Nodes
    parameters: tuple[Mapping[str, Any], ...] = ()
    """What it takes: `name`, and `default` if it is optional."""
    title: str | None = None
    description: str | None = None
    notes: tuple[str, ...] = ()
    """What was rewritten, a line each."""
    extra: Mapping[str, Any] = field(default_factory=dict)


def unwrap(body: Any) -> ProcessGraph:
    """A graph out of any envelope: bare, `{process_graph}`, `{process: {process_graph}}`, a whole job.

    Raises:
        GraphError: There is no graph in it.
    """
    if not isinstance(body, Mapping):
        raise GraphError.of([Problem("ProcessGraphMissing", "a process graph is an object with nodes")])
    process = process_of(body)
    nodes = process.get("process_graph")
    if not isinstance(nodes, Mapping) or not nodes:
        raise GraphError.of(
            [Problem("ProcessGraphMissing", "there is no process graph", hint="name a graph with nodes")]
        )
    if (count := count_nodes(nodes)) > MAX_NODES:
        raise GraphError.of(
            [Problem("ProcessGraphComplexity", f"the graph has {count} nodes, {MAX_NODES} are the most")]
        )
    parameters = process.get("parameters")
    return ProcessGraph(
        nodes=nodes,
        parameters=tuple(one for one in parameters if isinstance(one, Mapping)) if isinstance(parameters, list) else (),
        title=_text(body.get("title")),
        description=_text(body.get("description")),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def count_nodes(nodes: Nodes) -> int:
    """Number of nodes, those of callbacks included."""
    return sum(1 for value in _walk(nodes) if isinstance(value, Mapping) and "process_id" in value)


def _walk(value: Any) -> Iterator[Any]:
    """A value and all that is in it."""
    todo = [value]
    while todo:
        one = todo.pop()
        yield one
        if isinstance(one, Mapping):
            todo += one.values()
        elif isinstance(one, list):
            todo += one


def is_reference(value: Any, kind: str = "from_node") -> bool:
    """True for `{"from_node": "…"}` (or `from_parameter`)."""
    return isinstance(value, Mapping) and isinstance(value.get(kind), str)


def is_callback(value: Any) -> bool:
    """True for `{"process_graph": {…}}`."""
    return isinstance(value, Mapping) and isinstance(value.get("process_graph"), Mapping)


def references(value: Any) -> list[str]:
    """Names of the nodes that an argument takes from, without those in callbacks."""
    return [one["from_node"] for one in _shallow(value) if is_reference(one)]


def parameter_references(value: Any) -> list[str]:
    """Names of the parameters that an argument takes, without those in callbacks."""
    return [one["from_parameter"] for one in _shallow(value) if is_reference(one, "from_parameter")]


def _shallow(value: Any) -> Iterator[Any]:
    todo = [value]
    while todo:
        one = todo.pop()
        yield one
        if isinstance(one, Mapping) and not is_callback(one):
            todo += one.values()
        elif isinstance(one, list):
            todo += one


def arguments_of(node: Any) -> Mapping[str, Any]:
    """Arguments of a node; none if it has none."""
    arguments = node.get("arguments") if isinstance(node, Mapping) else None
    return arguments if isinstance(arguments, Mapping) else {}


def topological(nodes: Nodes) -> tuple[list[str], list[str]]:
    """Names of the nodes, each after those that it takes from; and those in a circle or behind one."""
    needs = {
        name: {one for one in references(dict(arguments_of(node))) if one in nodes} for name, node in nodes.items()
    }
    users: dict[str, list[str]] = {}
    for name, before in needs.items():
        for other in before:
            users.setdefault(other, []).append(name)
    left = {name: len(before) for name, before in needs.items()}
    ready = [name for name, count in reversed(left.items()) if not count]
    order: list[str] = []
    while ready:
        name = ready.pop()
        order.append(name)
        for user in users.get(name, ()):
            left[user] -= 1
            if not left[user]:
                ready.append(user)
    done = set(order)
    return order, [name for name in nodes if name not in done]


def needed(nodes: Nodes, result: str) -> set[str]:
    """Names of the nodes that a result depends on, itself included."""
    found: set[str] = set()
    todo = [result]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += references(dict(arguments_of(nodes[name])))
    return found


def result_node(nodes: Nodes) -> str | None:
    """Name of the only node that is marked as the result; None if there is none, or more than one."""
    marked = [name for name, node in nodes.items() if isinstance(node, Mapping) and node.get("result") is True]
    return marked[0] if len(marked) == 1 else None
