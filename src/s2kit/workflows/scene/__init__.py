"""An invented scene, for the demonstration and for tests: `make_scene` writes it as real SAFE folders."""

from s2kit.workflows.scene.run import Scene, make_scene

__all__ = ["Scene", "make_scene"]
