"""Accidents that happen to files: to any bytes, to lines and words of text, to words of numbers."""

from __future__ import annotations

import re
import struct
from random import Random

LONGEST = 200_000  # bytes; damaged files grow no further

WORDS = [
    b"nan", b"NaN", b"inf", b"-inf", b"Infinity", b"1e400", b"-1e400", b"1e308", b"-1e308",
    b"1e-320", b"-1", b"0", b"-0", b"0.0", b"00", b"+1", b"1.", b".5", b"1e5", b"1_000", b"0x10",
    b"1,5", b"1;5", b"2147483647", b"2147483648", b"-2147483649", b"4294967296",
    b"9223372036854775807", b"9223372036854775808", b"99999999999999999999", b"1" * 30,
    b"1" * 5000, b"0." + b"3" * 400, b"*", b"********", b"?", b".", b"-", b"", b" ", b"\t",
    b"None", b"null", b"true", b"END", b"all", b"#", b"|", b"||", b",", b'"', b"'", b"\\", b"=",
    b"[", b"]", b"{", b"}", b"(", b")", b":", b";", b">", b"\n", b"\r", b"\r\n", b"\n\n", b"\x00",
    b"\x0b", b"\x0c", b"\x1b[31m", b"\x7f", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff",
    "é".encode(), "中文".encode(), "٣".encode(), "²".encode(), "½".encode(), "\u2028".encode(),
    "\u200b".encode(), "\u202e".encode(), "\xa0".encode(), "\x85".encode(), "😀".encode(),
    "\u0130".encode(), "ß".encode(), b"\xed\xa0\x80", b"\xc3", b"\xe9", b"\xff", b"%s%n", b"${x}",
    b"../../x", b"/dev/zero",
]  # fmt: skip

INTEGERS = [
    0, 1, -1, 2, 3, 4, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 1 << 20, 1 << 24, 1 << 30,
    2**31 - 1, -(2**31), -(2**31) + 1, 46341, 1 << 16 | 1, 400, 401, 630, 101, 0x7FC00000,
    0x7F800000, -8388608, 0x00000001, 0x7F7FFFFF, 1024, 1146047817,
]  # fmt: skip

_NUMBER = re.compile(rb"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")
_WORD = re.compile(rb"[^\s|,:{}\[\]()=\"']+")


def mutated(data: bytes, others: list[bytes], random: Random) -> bytes:
    """The file after one or several accidents; ``others`` are files to splice it with."""
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 6))):
        accident = random.choice(_ACCIDENTS)
        data = accident(data, others, random)[:LONGEST]
    return data


def _span(data: bytes, random: Random, longest: int = 40) -> tuple[int, int]:
    """First and last byte of a piece; headers decide most, so half of them lie early."""
    first = random.randrange(len(data) + 1)
    if random.random() < 0.5:
        first = min(first, random.randrange(300))
    return first, min(len(data), first + random.randrange(1, longest))


def _flip(data, others, random):
    data = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 8))):
        if data:
            data[_span(data, random)[0] % len(data)] ^= 1 << random.randrange(8)
    return bytes(data)


def _set_byte(data, others, random):
    if not data:
        return data
    at = _span(data, random)[0] % len(data)
    return data[:at] + random.choice((b"\0", b"\1", b"\x80", b"\xff", b"\t", b" ")) + data[at + 1 :]


def _cut(data, others, random):
    return data[: _span(data, random)[0]]


def _behead(data, others, random):
    return data[_span(data, random)[0] :]


def _drop(data, others, random):
    first, last = _span(data, random)
    return data[:first] + data[last:]


def _insert(data, others, random):
    first, last = _span(data, random)
    return data[:first] + random.randbytes(last - first) + data[first:]


def _insert_word(data, others, random):
    first, _ = _span(data, random)
    return data[:first] + random.choice(WORDS) + data[first:]


def _repeat(data, others, random):
    first, last = _span(data, random, random.choice((4, 40, 400)))
    times = random.choice((2, 2, 3, 20, 2000))
    return data[:first] + (data[first:last] * times)[:50_000] + data[last:]


def _splice(data, others, random):
    other = random.choice(others)
    return data[: random.randrange(len(data) + 1)] + other[random.randrange(len(other) + 1) :]


def _transplant(data, others, random):
    """The same place of another file in place of our own."""
    other = random.choice(others)
    first, last = _span(data, random, 400)
    return data[:first] + other[first:last] + data[last:]


def _binary_word(data, others, random):
    code = random.choice(("<i", ">i", "<h", ">h", "<q", ">q"))
    size = struct.calcsize(code)
    if len(data) < size:
        return data
    at = min(_span(data, random)[0], len(data) - size)
    at -= at % min(size, 4)
    bits = 8 * size
    number = random.choice(INTEGERS) % (1 << bits)
    signed = number - (1 << bits) if number >> (bits - 1) else number
    return data[:at] + struct.pack(code, signed) + data[at + size :]


def _swap_word(data, others, random, pattern=_WORD):
    """A word in place of another, of the same width for half of them: tables have fixed columns."""
    found = list(pattern.finditer(data))
    if not found:
        return data
    old = random.choice(found)
    new = random.choice(WORDS) if random.random() < 0.7 else random.choice(found)[0]
    if random.random() < 0.5:
        new = new.rjust(len(old[0]))[: len(old[0])]
    return data[: old.start()] + new + data[old.end() :]


def _swap_number(data, others, random):
    return _swap_word(data, others, random, _NUMBER)


def _swap_every(data, others, random):
    """One word replaced wherever it stands."""
    found = _WORD.findall(data)
    if not found:
        return data
    return data.replace(random.choice(found), random.choice(WORDS))


def _lines(change):
    def accident(data, others, random):
        lines = data.split(b"\n")
        change(lines, random)
        return b"\n".join(lines)

    return accident


def _drop_line(lines, random):
    del lines[random.randrange(len(lines))]


def _double_line(lines, random):
    at = random.randrange(len(lines))
    lines[at:at] = [lines[random.randrange(len(lines))]] * random.choice((1, 1, 2, 50))


def _swap_lines(lines, random):
    a, b = random.randrange(len(lines)), random.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]


def _shuffle_lines(lines, random):
    random.shuffle(lines)


def _shift_line(lines, random):
    """One column to the right or left, as hand edits do."""
    at = random.randrange(len(lines))
    cut = random.randrange(len(lines[at]) + 1)
    if random.random() < 0.5:
        lines[at] = lines[at][:cut] + b" " + lines[at][cut:]
    else:
        lines[at] = lines[at][:cut] + lines[at][cut + 1 :]


def _cut_line(lines, random):
    at = random.randrange(len(lines))
    lines[at] = lines[at][: random.randrange(len(lines[at]) + 1)]


def _long_line(lines, random):
    at = random.randrange(len(lines))
    lines[at] += random.choice(WORDS) * random.choice((1, 10, 3000))


def _line_ends(data, others, random):
    old, new = random.choice(
        ((b"\n", b"\r\n"), (b"\n", b"\r"), (b"\n", b"\n\n"), (b"\n", b" \n"), (b" ", b"\t"),
         (b"\n", b"\x0c\n"), (b"\n", b"\x85"), (b",", b";"), (b" ", b"  "), (b"|", b" | "))
    )  # fmt: skip
    return data.replace(old, new)


def _mark(data, others, random):
    return random.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\n", b" ", b"\x00", b"#")) + data


def _recode(data, others, random):
    """Written in another encoding than UTF-8."""
    text = data.decode("latin-1")
    return text.encode(random.choice(("utf-16", "utf-16-be", "utf-32", "utf-8")))


def _case(data, others, random):
    first, last = _span(data, random, 400)
    return data[:first] + data[first:last].swapcase() + data[last:]


def _deep(data, others, random):
    """Brackets within brackets, deeper than any parser's stack."""
    first, _ = _span(data, random)
    pair = random.choice((b"[", b"{", b"(", b"[]", b"{0:", b"-", b"((", b"[[a", b"a."))
    return data[:first] + pair * random.choice((10, 100, 1000, 20_000)) + data[first:]


def _anything(data, others, random):
    length = random.choice((0, 1, 2, 3, 10, 100, 1023, 1024, 1025, 3000))
    kind = random.randrange(3)
    if kind == 0:
        return random.randbytes(length)
    if kind == 1:
        return bytes([random.randrange(256)]) * length
    return b"".join(random.choice(WORDS) + b" " for _ in range(length // 10))


_ACCIDENTS = [
    _flip, _flip, _set_byte, _cut, _behead, _drop, _insert, _insert_word, _insert_word, _repeat,
    _splice, _transplant, _binary_word, _binary_word, _swap_word, _swap_word, _swap_number,
    _swap_number, _swap_number, _swap_every, _lines(_drop_line), _lines(_double_line),
    _lines(_swap_lines), _lines(_shuffle_lines), _lines(_shift_line), _lines(_cut_line),
    _lines(_long_line), _line_ends, _mark, _recode, _case, _deep, _anything,
]  # fmt: skip
