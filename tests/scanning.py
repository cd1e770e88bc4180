"""Reads a QR code from its dark modules (ISO/IEC 18004), without error correction."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from segno import consts

MASKS: tuple[Callable[[int, int], int], ...] = (
    lambda y, x: (y + x) % 2,
    lambda y, _: y % 2,
    lambda _, x: x % 3,
    lambda y, x: (y + x) % 3,
    lambda y, x: (y // 2 + x // 3) % 2,
    lambda y, x: y * x % 2 + y * x % 3,
    lambda y, x: (y * x % 2 + y * x % 3) % 2,
    lambda y, x: ((y + x) % 2 + y * x % 3) % 2,
)
Square = Sequence[Sequence[bool]]


def scanned(dark: Iterable[tuple[int, int, int]]) -> str:
    """The text of a QR code, given as runs of dark modules: x, y and length in modules, from any origin."""
    runs = set(dark)
    left, top = min(x for x, _, _ in runs), min(y for _, y, _ in runs)
    size = max(x + length for x, _, length in runs) - left
    square = [[False] * size for _ in range(size)]
    for x, y, length in runs:
        for at in range(x, x + length):
            assert not square[y - top][at - left], "drawn twice"
            square[y - top][at - left] = True
    return _text(square)


def _text(square: Square) -> str:
    version = (len(square) - 17) // 4
    assert len(square) == 17 + 4 * version
    # The first five bits beside the upper finder: the level of error correction, then the mask.
    format_bits = sum(square[8][x] << (4 - x) for x in range(5)) ^ 0b10101
    bits = list(_data_bits(square, version, format_bits & 0b111))
    codewords = [_number(bits[at : at + 8]) for at in range(0, len(bits) - 7, 8)]
    blocks: list[list[int]] = []
    error_correction: Any = consts.ECC
    for group in error_correction[version][format_bits >> 3]:
        blocks += [[0] * group.num_data for _ in range(group.num_blocks)]
    remaining = iter(codewords)
    for at in range(max(map(len, blocks))):
        for block in blocks:
            if at < len(block):
                block[at] = next(remaining)
    payload = [codeword >> shift & 1 for block in blocks for codeword in block for shift in range(7, -1, -1)]
    assert _number(payload[:4]) == 0b0100, "not in bytes"
    start = 4 + (8 if version < 10 else 16)
    return bytes(
        _number(payload[at : at + 8]) for at in range(start, start + 8 * _number(payload[4:start]), 8)
    ).decode()


def _number(bits: Sequence[int]) -> int:
    return int("".join(str(int(bit)) for bit in bits), 2)


def _data_bits(square: Square, version: int, mask: int) -> Iterator[int]:
    """The unmasked modules outside the patterns, up and down by turns in pairs of columns from the right."""
    size = len(square)
    centres: tuple[int, ...] = consts.ALIGNMENT_POS[version - 2] if version > 1 else ()
    corners = {(6, 6), (6, size - 7), (size - 7, 6)}

    def pattern(y: int, x: int) -> bool:
        finder = (y < 9 and (x < 9 or x >= size - 8)) or (y >= size - 8 and x < 9)
        version_information = version >= 7 and ((y < 6 and x >= size - 11) or (x < 6 and y >= size - 11))
        aligned = any(
            abs(y - cy) <= 2 and abs(x - cx) <= 2
            for cy in centres
            for cx in centres
            if (cy, cx) not in corners
        )
        return finder or version_information or aligned or 6 in (y, x)

    upwards = True
    for right in [*range(size - 1, 6, -2), 5, 3, 1]:
        for y in range(size - 1, -1, -1) if upwards else range(size):
            for x in (right, right - 1):
                if not pattern(y, x):
                    yield int(square[y][x]) ^ (not MASKS[mask](y, x))
        upwards = not upwards
