"""XML from outside, read safely, and its elements found by any of their spellings.

ESA renamed elements over the years and puts only some of them into a namespace; here an element is known by its local
name alone.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, iterparse

from s2kit.errors import InputError

MAX_NBYTES = 64 << 20
"""Bytes of the largest document; those that are read here have at most some megabytes."""
MAX_ELEMENTS = 500_000
MAX_DEPTH = 100
_END_TAG = re.compile(rb"(?:</[\w:.-]+\s*|/)>\s*$")
_END_NBYTES = 4096


class XmlTree:
    """A parsed document, searched by local names in document order."""

    __slots__ = ("_by_tag", "root", "what")

    def __init__(self, root: Element, what: str) -> None:
        self.root = root
        self.what = what
        """What the document is, for messages."""
        self._by_tag: dict[str, list[Element]] = {}
        for element in root.iter():
            if isinstance(element.tag, str):
                self._by_tag.setdefault(local_name(element), []).append(element)

    @property
    def root_name(self) -> str:
        """Local name of the root element."""
        return local_name(self.root)

    def all(self, *names: str) -> Iterator[Element]:
        """All elements with one of the names, by name in the order given."""
        for name in names:
            yield from self._by_tag.get(name, ())

    def text(self, *names: str) -> str | None:
        """Text of the first element that has one of the names and any text; earlier names win."""
        return next((text for element in self.all(*names) if (text := (element.text or "").strip())), None)

    def number(self, *names: str) -> float | None:
        """The first such element's text as a number, None where there is none.

        Raises:
            InputError: There is a text and it is no number.
        """
        text = self.text(*names)
        return None if text is None else parse_number(text, f"{self.what}: {names[0]}")

    def time(self, *names: str) -> datetime | None:
        """The first such element's text as an aware UTC time, None where there is none.

        Raises:
            InputError: There is a text and it is no time.
        """
        text = self.text(*names)
        if text is None:
            return None
        try:
            time = datetime.fromisoformat(text)
        except ValueError as error:
            raise InputError(f"{self.what}: {names[0]} is {text!r}, which is no time") from error
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def ends_whole(xml: bytes) -> bool:
    """True for a document that ends with an end tag; False for one that is empty or was cut."""
    return _END_TAG.search(xml[-_END_NBYTES:]) is not None


def parse_xml(data: bytes, what: str, hint: str | None = None) -> XmlTree:
    """Parse a document that came from outside.

    Args:
        data: Its bytes.
        what: What to call it in messages.
        hint: What to do if it is damaged.

    Raises:
        InputError: It is not well-formed, it is larger or deeper than any that a product has, or it declares a document
            type or entities (which no product does, and which could expand without end).
    """
    return XmlTree(parse_root(data, what, hint), what)


def parse_root(data: bytes, what: str, hint: str | None = None) -> Element:
    """The root element of a document that came from outside; see `parse_xml`."""
    _check_size(data, what, hint)
    parser = DefusedXMLParser(target=_BoundedBuilder(what, hint), forbid_dtd=True)
    try:
        parser.feed(data)
        root: Element = parser.close()
    except DefusedXmlException as error:
        raise InputError(f"{what} declares a document type or entities, which is refused", hint) from error
    except (ParseError, ValueError, LookupError) as error:
        raise InputError(f"{what} is not well-formed XML: {error}", hint) from error
    return root


class _BoundedBuilder(TreeBuilder):
    """Builds the tree as far as its bounds allow."""

    def __init__(self, what: str, hint: str | None) -> None:
        super().__init__()
        self._what, self._hint = what, hint
        self._elements = self._depth = 0

    def start(self, tag: Any, attrs: Any, /) -> Element:
        self._elements += 1
        self._depth += 1
        if self._elements > MAX_ELEMENTS:
            raise InputError(f"{self._what} has more than {MAX_ELEMENTS} elements, which no product has", self._hint)
        if self._depth > MAX_DEPTH:
            raise InputError(f"{self._what} nests more than {MAX_DEPTH} elements, which no product does", self._hint)
        return super().start(tag, attrs)

    def end(self, tag: Any, /) -> Element:
        self._depth -= 1
        return super().end(tag)


def _check_size(data: bytes, what: str, hint: str | None = None) -> None:
    if len(data) > MAX_NBYTES:
        raise InputError(f"{what} has {len(data)} bytes, more than any document of a product", hint)


def parse_xml_until(data: bytes, what: str, last: str) -> XmlTree | None:
    """Parse the start of a document, as far as the end of an element.

    Args:
        data: The first bytes of the document, or all of it.
        what: What to call it in messages.
        last: Local name of the element after which reading stops.

    Returns:
        What stands before and in that element; None where the bytes end before it does.

    Raises:
        InputError: The document declares a document type or entities.
    """
    _check_size(data, what)
    root: Element | None = None
    try:
        for event, element in iterparse(BytesIO(data), events=("start", "end"), forbid_dtd=True):
            root = element if root is None else root
            if event == "end" and local_name(element) == last:
                return XmlTree(root, what)
    except DefusedXmlException as error:
        raise InputError(f"{what} declares a document type or entities, which is refused") from error
    except (ParseError, ValueError, LookupError):
        pass  # cut, or damaged: reading all of it tells which
    return None


def parse_number(text: str, what: str) -> float:
    """Read a finite number.

    Raises:
        InputError: The text is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if value - value != 0:  # NaN or infinite
        raise InputError(f"{what} is {text!r}, which is no number")
    return value


def local_name(element: Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2]
