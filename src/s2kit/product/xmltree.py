"""XML from outside, read safely, and its elements found by any of their spellings.

ESA renamed elements over the years and puts only some of them into a namespace; here an element is known by its local
name alone.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring, iterparse

from s2kit.errors import InputError


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


def parse_xml(data: bytes, what: str) -> XmlTree:
    """Parse a document that came from outside.

    Args:
        data: Its bytes.
        what: What to call it in messages.

    Raises:
        InputError: It is not well-formed, or it declares a document type or entities (which no product does, and
            which could expand without end).
    """
    try:
        return XmlTree(fromstring(data, forbid_dtd=True), what)
    except DefusedXmlException as error:
        raise InputError(f"{what} declares a document type or entities, which is refused") from error
    except (ParseError, ValueError, LookupError) as error:
        raise InputError(f"{what} is not well-formed XML: {error}") from error


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
