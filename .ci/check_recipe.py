"""Read recipe/recipe.yaml with rattler-build and render it: one package for all platforms, of the project's version."""

from pathlib import Path

from rattler_build import Stage0Recipe

from s2kit.version import __version__

(variant,) = Stage0Recipe.from_file(Path(__file__).resolve().parents[1] / "recipe" / "recipe.yaml").render()
package = variant.recipe.package
assert (package.name, package.version) == ("s2kit", __version__), package
print(f"{package.name} {package.version}, {len(variant.recipe.requirements.run)} requirements")  # noqa: T201 - a program
