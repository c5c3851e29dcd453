"""Grammar of messages. Computes only."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: `1 product`, `2 products`."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"
