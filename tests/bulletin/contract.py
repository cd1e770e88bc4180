"""What outside scripts rely on in the Toronto edition (tests/cases/contract.yaml)."""

from typing import Any

from tests.tables import table

CONTRACT: dict[str, Any] = table("contract.yaml")


def columns(name: str) -> list[list[str]]:
    """The lines of one of the contract's tables, each as its cells."""
    return [[cell.strip() for cell in line.split("|")] for line in CONTRACT[name].splitlines()]


def listed(cell: str) -> tuple[str, ...]:
    """A cell that lists paragraphs: `12, 13(c)`."""
    return tuple(part.strip() for part in cell.split(",") if part.strip())
