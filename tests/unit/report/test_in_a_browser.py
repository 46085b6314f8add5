"""The page in headless Chromium, opened from disk with the network off; and whether these checks see what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import CHROMIUM
from page_in_browser import check_page

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


def test_the_page_is_whole_readable_and_usable(page: Path) -> None:
    check_page(page)


@pytest.mark.parametrize(
    ("found", "put"),
    [
        ("<main", '<p style="width: 2000px">wide</p><main'),
        ("<main", '<p style="color: #bbb">faint</p><main'),
        ("<main", '<p><a href="#nowhere">dead</a></p><main'),
        ("<main", '<img src="data:image/png;base64,AAAA" alt="broken"><main'),
        ("<main", '<img src="https://example.org/a.png" alt="from a network"><main'),
        ("<main", "<script>console.error('oh')</script><main"),
        ('class="skip" href="#main"', 'class="skip" href="#main" tabindex="-1"'),
    ],
)
def test_a_page_with_a_fault_is_refused(page: Path, tmp_path: Path, found: str, put: str) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.count(found) == 1
    (tmp_path / "page.html").write_text(text.replace(found, put), encoding="utf-8")
    with pytest.raises(AssertionError):
        check_page(tmp_path / "page.html")
