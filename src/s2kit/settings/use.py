"""Putting settings to use: keys of `.env` for stores, secrets for the redactor, the cluster for parallel work."""

import logging
from contextlib import AbstractContextManager, nullcontext

from s2kit.run.redact import conceal
from s2kit.run.sharing import hand_down
from s2kit.settings.load import PUBLIC_SECRETS, Loaded, load_settings
from s2kit.settings.model import Settings

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


def at_work(settings: Settings) -> AbstractContextManager[None]:
    """A block whose parallel work is done by the cluster of the settings; without one, by this machine.

    Raises:
        TryLaterError: The scheduler cannot be reached, or has no workers; raised by the work in the block.
        ConfigError: Workers of another version, or that do not see the files; raised by the work in the block.
    """
    if not settings.cluster:
        return nullcontext()
    from functools import partial

    from s2kit.run.cluster import Cluster
    from s2kit.run.parallel import on_cluster
    from s2kit.store.open import missing_keys

    named = tuple(one for name, one in settings.archives.items() if name.startswith(settings.archive))
    return on_cluster(Cluster(settings.cluster, settings.cluster_wait_s, (partial(missing_keys, named),)))
