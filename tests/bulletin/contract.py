"""The parts of the Toronto edition that outside scripts rely on (tests/cases/contract.yaml)."""

from typing import Any

from tests.tables import table

CONTRACT: dict[str, Any] = table("contract.yaml")


def columns(name: str) -> list[list[str]]:
    """The lines of one of the contract's tables, each as its cells."""
    return [[cell.strip() for cell in line.split("|")] for line in CONTRACT[name].splitlines()]


def listed(cell: str) -> tuple[str, ...]:
    """The paragraphs that a cell lists, like `12, 13(c)`."""
    return tuple(part.strip() for part in cell.split(",") if part.strip())
