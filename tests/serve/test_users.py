"""Users: who gets in, and what the database gives away."""

from pathlib import Path

import pytest

from s2kit.errors import InputError, NotFoundError, OutputError
from s2kit.serve.users import User, UserStore


def test_a_user_logs_in_with_the_right_password_only(tmp_path: Path) -> None:
    users = UserStore(tmp_path)
    users.add("anna", "long enough 1", may_pay=True)
    user = users.login("anna", "long enough 1")
    assert user is not None
    assert (user.name, user.may_pay) == ("anna", True)
    assert users.login("anna", "long enough 1") == user  # remembered
    assert users.login("anna", "long enough 2") is None
    assert users.login("otto", "long enough 1") is None
    assert users.names() == ["anna"]


def test_tokens_stand_for_a_login_until_the_user_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    users = UserStore(tmp_path)
    users.add("anna", "long enough 1")
    user = users.login("anna", "long enough 1")
    assert user is not None
    token = users.new_token(user)
    assert UserStore(tmp_path).of_token(token) == user  # another process
    assert users.of_token(token + "x") is None
    monkeypatch.setattr("s2kit.serve.users.TOKEN_S", -1)
    assert users.of_token(users.new_token(user)) is None
    users.remove("anna")
    assert users.of_token(token) is None
    with pytest.raises(NotFoundError):
        users.remove("anna")


def test_the_file_gives_nobody_a_login(tmp_path: Path) -> None:
    users = UserStore(tmp_path)
    users.add("anna", "long enough 1")
    user = users.login("anna", "long enough 1")
    assert user is not None
    token = users.new_token(user)
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"long enough" not in kept
    assert token.encode() not in kept
    assert (tmp_path / "users.sqlite").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["", "../x", "a b", "a" * 65, "a\n"])
def test_odd_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        UserStore(tmp_path).add(name, "long enough 1")


def test_short_passwords_and_names_taken_are_refused(tmp_path: Path) -> None:
    users = UserStore(tmp_path)
    with pytest.raises(InputError, match="less than 10"):
        users.add("anna", "short")
    users.add("anna", "long enough 1")
    with pytest.raises(OutputError, match="already"):
        users.add("anna", "long enough 1")


def test_a_password_is_not_remembered_longer_than_its_user(tmp_path: Path) -> None:
    users, elsewhere = UserStore(tmp_path), UserStore(tmp_path)
    users.add("anna", "long enough 1", may_pay=True)
    assert users.login("anna", "long enough 1") == User("anna", may_pay=True)
    elsewhere.remove("anna")
    assert users.login("anna", "long enough 1") is None
    elsewhere.add("anna", "long enough 2")
    assert users.login("anna", "long enough 1") is None
    assert users.login("anna", "long enough 2") == User("anna", may_pay=False)
