"""Adds the man pages and the completion scripts to the sdist; `tests/support/man_pages.py` makes them."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManualHook(BuildHookInterface):
    """Makes the files in a folder that lasts until the sdist is written."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the files and name them to the builder."""
        root = Path(self.root)
        sys.path.insert(0, str(root / "src"))
        try:
            spec = spec_from_file_location("man_pages", root / "tests" / "support" / "man_pages.py")
            assert spec is not None, "the file is part of the sdist"
            assert spec.loader is not None, "it is a Python file"
            pages = module_from_spec(spec)
            spec.loader.exec_module(pages)
            self.folder = TemporaryDirectory(prefix="s2kit-manual-")
            for path in pages.write(Path(self.folder.name)):
                build_data["force_include"][str(path)] = str(path.relative_to(self.folder.name))
        finally:
            sys.path.remove(str(root / "src"))

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the folder."""
        self.folder.cleanup()
