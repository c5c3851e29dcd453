"""The documentation site: `python tests/support/site.py` builds it into `build/site`, warnings being errors, and checks it.

Zensical reports links to pages and anchors that do not exist. What it does not look at is checked in the built pages:
images and other files, links in HTML, generated anchors, and that a page loads nothing from another host.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

PROJECT = Path(__file__).resolve().parents[2]
CONFIG = PROJECT / "zensical.toml"
SITE = PROJECT / "build" / "site"
_LOADED = {
    ("link", "href"),
    ("script", "src"),
    ("img", "src"),
    ("source", "src"),
    ("iframe", "src"),
    ("object", "data"),
}
"""What a browser fetches by itself."""


class _Page(HTMLParser):
    """What a page points to, and what can be pointed to in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.targets: list[tuple[str, str]] = []
        """Kind (`link` or `loaded`) and address."""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        for name, value in found.items():
            if (tag, name) in _LOADED and found.get("rel") != "canonical":
                self.targets.append(("loaded", value))
            elif (tag, name) == ("a", "href"):
                self.targets.append(("link", value))


def build(config: Path = CONFIG) -> str:
    """Build the site anew.

    Returns:
        What Zensical printed.

    Raises:
        SystemExit: It warned of something.
    """
    program = Path(sys.executable).with_name("zensical")
    shutil.rmtree(config.parent / "build" / "site", ignore_errors=True)
    words = [program, "build", "--strict", "--clean", "--config-file", config]
    done = subprocess.run(words, cwd=config.parent, capture_output=True, text=True)
    printed = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    if done.returncode != 0:
        raise SystemExit(f"the site cannot be built:\n{printed.partition('Traceback')[0]}")
    return printed


def problems(site: Path = SITE) -> Iterator[str]:
    """What is wrong in the pages of a built site, a line each."""
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    if not pages:
        yield f"{site}: there are no pages"
    for path, page in pages.items():
        for kind, address in page.targets:
            if path.name == "404.html" and not urlsplit(address).scheme:
                continue  # its addresses begin at the root of the host
            if problem := _problem(path, kind, address, pages):
                yield f"{path.relative_to(site)}: {problem}"


def _problem(path: Path, kind: str, address: str, pages: dict[Path, _Page]) -> str | None:
    parts = urlsplit(address)
    if parts.scheme == "data" or (kind == "link" and parts.scheme in {"https", "mailto"}):
        return None
    if parts.scheme or parts.netloc:
        return f"{address} is on another host"
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    target = target / "index.html" if target.is_dir() else target
    if not target.is_file():
        return f"{address} does not exist"
    if kind == "link" and parts.fragment and target in pages and parts.fragment not in pages[target].anchors:
        return f"{address}: there is no such anchor"
    return None


def main() -> None:
    """Build and check; end with 1 if something is wrong."""
    build()
    found = list(problems())
    if found:
        raise SystemExit("\n".join(found))


if __name__ == "__main__":
    main()
