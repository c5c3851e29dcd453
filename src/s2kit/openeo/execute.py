"""Running a graph: each node once, in topological order, values let go when nobody needs them. Computes only.

A callback is planned once and may be called any number of times; parameters of the processes around it are seen in it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from s2kit.errors import S2KitError
from s2kit.openeo.errors import GraphError, Problem, ProcessError
from s2kit.openeo.graph import (
    MAX_NESTING,
    Nodes,
    arguments_of,
    is_callback,
    is_reference,
    needed,
    references,
    result_node,
    topological,
)

Registry = Mapping[str, Callable[..., Any]]


@dataclass(frozen=True, slots=True)
class _Step:
    name: str
    process: str
    arguments: Mapping[str, Any]
    """Callbacks in it are planned."""
    last_use_of: tuple[str, ...]
    """Nodes whose values nobody needs after this step."""


@dataclass(frozen=True, slots=True)
class ExecutionPlan:
    """A graph that is ready to run."""

    steps: tuple[_Step, ...]
    result: str
    registry: Registry
    path: str = ""
    """Where a callback is: `reduce1/reducer/`; empty for the graph itself."""

    def run(self, parameters: Mapping[str, Any] | None = None, report: Callable[[str, str], None] | None = None) -> Any:
        """Compute the result.

        Args:
            parameters: Values of the graph's parameters.
            report: Called with the name and the process of each node before it is computed.

        Raises:
            S2KitError: A process failed; the message names the node.
        """
        scope = parameters or {}
        values: dict[str, Any] = {}
        for step in self.steps:
            if report is not None:
                report(f"{self.path}{step.name}", step.process)
            arguments = {key: self._value(value, values, scope, step) for key, value in step.arguments.items()}
            values[step.name] = self._call(step, arguments)
            for name in step.last_use_of:
                values.pop(name, None)
        return values[self.result]

    def _call(self, step: _Step, arguments: dict[str, Any]) -> Any:
        place = f"node {self.path + step.name!r}: "
        try:
            return self.registry[step.process](**arguments)
        except S2KitError as error:
            if error.message.startswith("node "):
                raise
            if isinstance(error, ProcessError):
                raise ProcessError(f"{place}{error.message} [{error.code}]", error.hint, error.code) from error
            error.message = f"{place}{error.message}"
            raise
        except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            message = f"{place}{step.process}: {type(error).__name__}: {error}"
            raise ProcessError(message.splitlines()[0], "s2kit validate checks the types of arguments") from error

    def _value(self, value: Any, values: Mapping[str, Any], scope: Mapping[str, Any], step: _Step) -> Any:
        if isinstance(value, ExecutionPlan):
            return Bound(value, scope)
        if is_reference(value):
            return values[value["from_node"]]
        if is_reference(value, "from_parameter"):
            name = value["from_parameter"]
            if name not in scope:
                problem = Problem("ProcessParameterMissing", f"there is no parameter {name!r}", self.path + step.name)
                raise GraphError.of([problem])
            return scope[name]
        if isinstance(value, Mapping):
            return {key: self._value(item, values, scope, step) for key, item in value.items()}
        if isinstance(value, list):
            return [self._value(item, values, scope, step) for item in value]
        return value


@dataclass(frozen=True, slots=True)
class Bound:
    """A callback with the parameters around it; call it with its own parameters by name, as often as you like."""

    plan: ExecutionPlan
    scope: Mapping[str, Any]

    def __call__(self, **parameters: Any) -> Any:
        """The value for these parameters."""
        return self.plan.run({**self.scope, **parameters})


def plan(nodes: Nodes, registry: Registry, path: str = "") -> ExecutionPlan:
    """Put a graph in order; it must be valid, see `validate`.

    Args:
        nodes: The nodes by name.
        registry: The processes by id.
        path: Where a callback is.

    Raises:
        GraphError: The graph has a circle, no result, or a process that is not available.
    """
    if path.count("/") // 2 >= MAX_NESTING:
        raise GraphError.of([Problem("ProcessGraphComplexity", "callbacks are nested too deeply", path)])
    order, circle = topological(nodes)
    if circle:
        raise GraphError.of([Problem("ProcessGraphInvalid", "the nodes form a circle", f"{path}{circle[0]}")])
    result = result_node(nodes)
    if result is None:
        raise GraphError.of([Problem("ProcessGraphInvalid", "exactly one node must be the result")])
    used = needed(nodes, result)
    names = [name for name in order if name in used]
    last: dict[str, int] = {}
    for at, name in enumerate(names):
        last |= dict.fromkeys(references(dict(arguments_of(nodes[name]))), at)
    gone: dict[int, list[str]] = {}
    for name, at in last.items():
        gone.setdefault(at, []).append(name)
    return ExecutionPlan(tuple(_steps(nodes, names, registry, path, gone)), result, registry, path)


def _steps(
    nodes: Nodes, names: list[str], registry: Registry, path: str, gone: Mapping[int, list[str]]
) -> Iterable[_Step]:
    for at, name in enumerate(names):
        process = nodes[name]["process_id"]
        if process not in registry:
            raise GraphError.of([Problem("ProcessUnsupported", f"process {process!r} is not available", path + name)])
        arguments = {
            key: _prepared(value, registry, f"{path}{name}/{key}/") for key, value in arguments_of(nodes[name]).items()
        }
        yield _Step(name, process, arguments, tuple(gone.get(at, ())))


def _prepared(value: Any, registry: Registry, path: str) -> Any:
    """An argument whose callbacks are planned."""
    if is_callback(value):
        return plan(value["process_graph"], registry, path)
    if isinstance(value, Mapping) and not is_reference(value):
        return {key: _prepared(item, registry, path) for key, item in value.items()}
    if isinstance(value, list):
        return [_prepared(item, registry, path) for item in value]
    return value
