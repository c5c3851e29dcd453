"""Errors carry their exit code and survive the way from a worker process."""

import pickle

import pytest

from s2kit import errors
from s2kit.errors import ExitCode, S2KitError


def every_error() -> list[type[S2KitError]]:
    return [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, S2KitError)]


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_errors_pickle_with_message_and_hint(kind: type[S2KitError]) -> None:
    again = pickle.loads(pickle.dumps(kind("B99 is no band", "use B01 to B12")))
    assert type(again) is kind
    assert (str(again), again.hint, again.exit_code) == ("B99 is no band", "use B01 to B12", kind.exit_code)


def test_each_class_but_the_base_has_its_own_exit_code() -> None:
    codes = [kind.exit_code for kind in every_error() if kind is not S2KitError]
    assert len(codes) == len(set(codes))
    assert ExitCode.BUG not in codes


def test_every_exit_code_has_a_meaning() -> None:
    assert all(code.meaning for code in ExitCode)
