"""Columns of text as the sources have it, made plain (shopbench/raw_text.py)."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from shopbench.raw_text import plain_lines, plain_text
from shopbench.table_pieces import Mask

# What `plain_text` may change in a text, and `plain_lines`, which leaves line breaks: markup, marks and characters that compose or have
# another form (NFC), invisible ones, spaces of other kinds, double or at an end. For RE2, whose \s knows ASCII alone.
_NOT_NFC = (
    r"\p{M}\x{340}-\x{345}\x{374}\x{37E}\x{387}\x{958}-\x{95F}\x{9DC}-\x{9DF}\x{A33}-\x{A5E}\x{B5C}\x{B5D}\x{F43}-\x{FB9}\x{1100}-\x{11FF}"
    r"\x{1F71}-\x{1FFF}\x{2126}-\x{212B}\x{2329}\x{232A}\x{2ADC}\x{A960}-\x{A97F}\x{D7B0}-\x{D7FF}\x{F900}-\x{FB4F}\x{1D100}-\x{1D1FF}"
    r"\x{2F800}-\x{2FA1F}"
)
_OTHER_SPACES = r"\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}"
_CHANGES = rf"&<{_NOT_NFC}{_OTHER_SPACES}\x{{0}}-\x{{9}}\x{{B}}-\x{{1F}}\x{{7F}}-\x{{9F}}\p{{Cf}}\p{{Co}}"
_NOT_PLAIN = rf"[{_CHANGES}\n]|  |^ | $"
_NOT_PLAIN_LINES = rf"[{_CHANGES}]|  | \n|\n |\n\n|^\s|\s$"
_SUSPECT = r"[^ -%'-;=-~]|  |^ | $"
# Made once: Arrow takes long to make a scalar.
_NOTHING = pa.scalar("")


def plain_column(texts: pa.Array, longest: int, lines: bool = False) -> pa.Array:
    """`plain_text` of every value (with `lines`, `plain_lines` joined by line breaks), cut to `longest` characters; "" for a missing one.

    The same as one call a value, and faster: most texts are plain as they are.
    """
    texts = texts.fill_null(_NOTHING)
    # First what is quick to tell of most.
    dirty = pc.match_substring_regex(texts, _SUSPECT)
    if suspects := pc.sum(dirty).as_py():
        surely = pc.match_substring_regex(texts.filter(dirty), _NOT_PLAIN_LINES if lines else _NOT_PLAIN)
        dirty = pc.replace_with_mask(dirty, dirty, surely)
    marked = texts.filter(dirty).to_pylist() if suspects else []
    if marked:
        cleaned = ["\n".join(plain_lines(text)) if lines else plain_text(text) for text in marked]
        texts = pc.replace_with_mask(texts, dirty, pa.array(cleaned, pa.string()))
    if (pc.max(pc.binary_length(texts)).as_py() or 0) > longest:
        texts = pc.utf8_trim_whitespace(pc.utf8_slice_codeunits(texts, 0, longest))
    return texts


def blank(texts: pa.Array | pa.ChunkedArray) -> Mask:
    """Where a text is missing or nothing but spaces."""
    stripped = pc.utf8_trim_whitespace(texts.fill_null(_NOTHING))
    return pc.binary_length(stripped).to_numpy(zero_copy_only=False) == 0
