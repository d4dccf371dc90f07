"""DEFLATE read token by token (RFC 1951), without zlib, and with a window of any size."""

from __future__ import annotations

from collections.abc import Sequence

#: A Huffman code: what a number of bits, first to last, stands for.
Code = dict[tuple[int, int], int]


def code_of(lengths: Sequence[int]) -> Code:
    """Return the code whose symbols have these lengths, 0 for those that it lacks (RFC 1951 3.2.2)."""
    code: Code = {}
    bits = 0
    for length in range(1, 16):
        for symbol in [symbol for symbol, its_length in enumerate(lengths) if its_length == length]:
            code[length, bits] = symbol
            bits += 1
        bits *= 2
    return code


def ranges(first: int, extra_bits: Sequence[int]) -> list[tuple[int, int]]:
    """Return where the range of each symbol begins, with its extra bits (RFC 1951 3.2.5)."""
    found: list[tuple[int, int]] = []
    for bits in extra_bits:
        found.append((first, bits))
        first += 1 << bits
    return found


LENGTHS = [*ranges(3, [max(0, symbol // 4 - 1) for symbol in range(28)]), (258, 0)]
DISTANCES = ranges(1, [max(0, symbol // 2 - 1) for symbol in range(30)])
FIXED_CODES = code_of([8] * 144 + [9] * 112 + [7] * 24 + [8] * 8), code_of([5] * 30)
ORDER_OF_LENGTHS = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)


class Inflater:
    """Inflates what one peer deflates, and fails if it looks back over more than ``window`` bytes.

    ``distances`` are all over which it looked back.
    """

    def __init__(self, window: int) -> None:
        self.window = window
        self.distances: set[int] = set()
        self._output = bytearray()
        self._data = b""
        self._at = 0

    def inflate(self, data: bytes) -> bytes:
        """Inflate whole blocks, which end with a byte."""
        self._data, self._at = data, 0
        begin = len(self._output)
        while self._at < 8 * len(data):
            self._bits(1)
            match self._bits(2):
                case 0:
                    self._stored_block()
                case 1:
                    self._block(*FIXED_CODES)
                case 2:
                    self._block(*self._codes())
                case kind:
                    raise ValueError(f"there is no block of type {kind}")
        return bytes(self._output[begin:])

    def _bits(self, count: int) -> int:
        found = 0
        for place in range(count):
            found |= (self._data[self._at >> 3] >> (self._at & 7) & 1) << place
            self._at += 1
        return found

    def _symbol(self, code: Code) -> int:
        length = bits = 0
        while (length, bits) not in code:
            bits = bits << 1 | self._bits(1)
            length += 1
            if length > 15:
                raise ValueError("this is no symbol")
        return code[length, bits]

    def _stored_block(self) -> None:
        self._at = -(-self._at // 8) * 8
        size, complement = self._bits(16), self._bits(16)
        if size ^ complement != 0xFFFF:
            raise ValueError("the size of a stored block is wrong")
        at = self._at // 8
        self._output += self._data[at : at + size]
        self._at += 8 * size

    def _codes(self) -> tuple[Code, Code]:
        """Read the codes of a block that has its own (RFC 1951 3.2.7)."""
        literals, distances, count = 257 + self._bits(5), 1 + self._bits(5), 4 + self._bits(4)
        lengths_of_lengths = [0] * 19
        for symbol in ORDER_OF_LENGTHS[:count]:
            lengths_of_lengths[symbol] = self._bits(3)
        code = code_of(lengths_of_lengths)
        lengths: list[int] = []
        while len(lengths) < literals + distances:
            match self._symbol(code):
                case 16:
                    lengths += [lengths[-1]] * (3 + self._bits(2))
                case 17:
                    lengths += [0] * (3 + self._bits(3))
                case 18:
                    lengths += [0] * (11 + self._bits(7))
                case length:
                    lengths.append(length)
        return code_of(lengths[:literals]), code_of(lengths[literals:])

    def _block(self, literals: Code, distances: Code) -> None:
        while (symbol := self._symbol(literals)) != 256:
            if symbol < 256:
                self._output.append(symbol)
            else:
                first, extra = LENGTHS[symbol - 257]
                length = first + self._bits(extra)
                first, extra = DISTANCES[self._symbol(distances)]
                self._copy(length, first + self._bits(extra))

    def _copy(self, length: int, distance: int) -> None:
        self.distances.add(distance)
        if distance > min(self.window, len(self._output)):
            raise ValueError(f"{distance} bytes back there is nothing")
        for _ in range(length):
            self._output.append(self._output[-distance])
