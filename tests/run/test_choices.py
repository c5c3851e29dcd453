"""Values of options."""

import pytest

from s2kit.errors import InputError, UsageError
from s2kit.run.choices import one_of, typed


def test_one_of_several_words():
    assert one_of("format", " PNG ", ["png", "jpeg"]) == "png"
    with pytest.raises(UsageError, match="--format 'gif' is not known") as caught:
        one_of("format", "gif", ["png", "jpeg"])
    assert caught.value.hint == "take one of png, jpeg"


def test_what_a_parser_refuses_is_a_usage_error():
    def refuse(text):
        raise InputError(f"{text} is wrong", "fix it")

    assert typed(int, "3") == 3
    with pytest.raises(UsageError, match="x is wrong") as caught:
        typed(refuse, "x")
    assert caught.value.hint == "fix it"
