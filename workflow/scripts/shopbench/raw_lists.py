"""Lists written as text: what numpy prints, what Python prints, and JSON inside JSON."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

_ITEM = r"""(?:'[^']*'|"[^"]*")"""
# Regular expressions of the whole text of such a list, and of one without items, for Python's re and for RE2.
NUMPY_LIST = rf"^\s*\[\s*(?:{_ITEM}[\s,]*)*\]\s*$"
EMPTY_LIST = r"^\s*\[\s*\]\s*$"
_NUMPY_LIST = re.compile(NUMPY_LIST)


def numpy_list(text: object) -> list[str] | None:
    """`"['B01' 'B02']"` with spaces, wraps or commas between the items -> ["B01", "B02"]; None if it is no such list.

    numpy shortens long arrays with "...": such a list is not whole, so it is None too.
    """
    if not isinstance(text, str) or not _NUMPY_LIST.fullmatch(text):
        return None
    return [item[1:-1] for item in re.findall(_ITEM, text)]


def python_list(text: object) -> list[Any] | None:
    """A Python list literal, or JSON list, as text -> the list; None if it is neither."""
    if not isinstance(text, str) or not text.lstrip().startswith("["):
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            continue
        return value if isinstance(value, list) else None
    return None


def json_object(text: object) -> dict[str, Any] | None:
    """A JSON object as text -> the dict; None if it is none."""
    try:
        value = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
