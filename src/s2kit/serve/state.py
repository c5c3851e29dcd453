"""What the routes of one process share."""

from dataclasses import dataclass, replace

from fastapi import Request

from s2kit.serve.guard import Counts
from s2kit.serve.options import ServeOptions
from s2kit.serve.shelf import Shelf
from s2kit.serve.users import User, UserStore
from s2kit.serve.work import Workplace
from s2kit.settings import Settings


@dataclass(frozen=True, slots=True)
class State:
    """Everything a route needs besides its request."""

    options: ServeOptions
    users: UserStore
    shelf: Shelf
    work: Workplace
    counts: Counts

    @property
    def is_open(self) -> bool:
        """True if the service has no users, so that nobody has to log in."""
        return self.options.insecure or not self.users.names()

    def settings_for(self, user: User) -> Settings:
        """The settings that a user's work runs with: archives that bill their readers only for those who may pay."""
        settings = self.options.settings
        allowed = settings.allow_requester_pays and user.may_pay
        return replace(settings, allow_requester_pays=allowed, jobs=1)


def state_of(request: Request) -> State:
    """What the routes of this process share."""
    state = request.app.state.s2kit
    assert isinstance(state, State)
    return state
