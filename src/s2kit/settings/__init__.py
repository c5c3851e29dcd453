"""Settings: what they are, where they come from, and which files may say what."""

from s2kit.settings.load import (
    BUILT_IN,
    ENV_PREFIX,
    OLD_NAMES,
    PUBLIC_SECRETS,
    SECRETS,
    Loaded,
    default_cache_dir,
    load_settings,
    user_settings_path,
)
from s2kit.settings.model import CATALOGUES, Access, CatalogueSettings, Settings
from s2kit.settings.use import at_work, in_use

__all__ = [
    "BUILT_IN",
    "CATALOGUES",
    "ENV_PREFIX",
    "OLD_NAMES",
    "PUBLIC_SECRETS",
    "SECRETS",
    "Access",
    "CatalogueSettings",
    "Loaded",
    "Settings",
    "at_work",
    "default_cache_dir",
    "in_use",
    "load_settings",
    "user_settings_path",
]
