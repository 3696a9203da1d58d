"""Values that would be misread bare are written as JSON strings; everything else stands as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from adelie_ie.formats.answer import is_nothing

QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"')
"""A complete quoted value on one line."""

# What leniency would strip or read as something else: a leading list mark, quote or fence, outer white space, and any
# line break or other control character (str.strip and the parsers treat the Unicode ones as white space, too).
_UNSAFE = re.compile(
    r"^\s|\s$|[\x00-\x1f\x7f-\x9f\u2028\u2029]|^[\"`]|```|^(?:\d+[.)]|[-*•])(?:\s|$)|\[\s*answer\s*\]", re.IGNORECASE
)
_MARK = re.compile(r"\[(?=\s*answer\s*\])", re.IGNORECASE)


def unsafe_pattern(delimiters: Iterable[str]) -> re.Pattern[str]:
    """The pattern of values that need quotes in a format with these delimiters."""
    special = sorted({part.strip() for part in delimiters if part.strip()}, key=len, reverse=True)
    return re.compile("|".join([*map(re.escape, special), f"(?:{_UNSAFE.pattern})"]), re.IGNORECASE)


def quote(value: str) -> str:
    """The value as a JSON string on one line that no mark, fence or separator search can trip over."""
    quoted = json.dumps(value, ensure_ascii=False)
    if "[" in quoted:
        quoted = _MARK.sub(r"\\u005b", quoted)
    return quoted.replace("```", "\\u0060\\u0060\\u0060").replace("\x85", "\\u0085").replace("\x7f", "\\u007f")


def quote_if_unsafe(value: str, unsafe: re.Pattern[str]) -> str:
    """The value bare where it reads back as itself, quoted otherwise."""
    if not value or unsafe.search(value) or is_nothing(value):
        return quote(value)
    return value


def sound(value: str) -> str:
    """The value with lone surrogates replaced, which no file can hold."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def unquote(quoted: str) -> str | None:
    """The value of a quoted string, or None if it is not one."""
    try:
        value = json.loads(quoted, strict=False)
    except (json.JSONDecodeError, RecursionError):
        return None
    return sound(value) if isinstance(value, str) else None
