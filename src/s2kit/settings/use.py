"""Putting settings to use in this process: keys of `.env` for the stores, secrets for the redactor."""

import logging

from s2kit.run.redact import conceal
from s2kit.run.sharing import hand_down
from s2kit.settings.load import PUBLIC_SECRETS, Loaded, load_settings

_log = logging.getLogger(__name__)


def in_use(loaded: Loaded | None = None) -> Loaded:
    """Settings, the user's own by default, whose keys the stores of this process and its workers take from now on."""
    if loaded is None:
        loaded = load_settings()
        if loaded.ignored:
            _log.warning("%s", loaded.ignored)
    hand_down(loaded.keys)
    conceal(value for name, value in loaded.secrets.items() if name not in PUBLIC_SECRETS)
    return loaded
