"""What a page must be in a real browser, with the network off: whole, in its width, readable, usable from the keyboard, printable."""

from __future__ import annotations

import base64
from pathlib import Path

from browser import Browser

# The lowest contrast of text that WCAG 2.2 AA allows; large text may have 3.
CONTRAST, LARGE_CONTRAST = 4.5, 3.0

# Every text on the page with the colours it is seen in; a ground without colour shows that of what it lies on.
FAINT_TEXTS = """
(() => {
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const [r, g, b, a = 1] = numbers(getComputedStyle(element).backgroundColor);
      if (a > 0) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const faint = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || ["SCRIPT", "STYLE"].includes(element.tagName) || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const [light, dark] = [luminance(numbers(style.color)), luminance(ground(element))].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    const least = parseFloat(style.fontSize) >= 24 ? LARGE : SMALL;
    if (ratio < least) faint.push(`${ratio.toFixed(2)}: ${node.textContent.trim().slice(0, 60)}`);
  }
  return faint;
})()
""".replace("LARGE", str(LARGE_CONTRAST)).replace("SMALL", str(CONTRAST))
OPEN_ALL = "document.querySelectorAll('details').forEach((part) => { part.open = true; })"
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
BROKEN_PICTURES = "[...document.images].filter((i) => !i.complete || !i.naturalWidth || !i.alt).map((i) => i.alt || i.src.slice(0, 60))"
DEAD_LINKS = "[...document.links].map((a) => a.getAttribute('href')).filter((h) => h[0] !== '#' || !document.getElementById(h.slice(1)))"
# Whoever has no mouse scrolls what has the focus.
UNREACHABLE = """
[...document.querySelectorAll("body *")].filter((e) => e.scrollWidth > e.clientWidth + 1
  && ["auto", "scroll"].includes(getComputedStyle(e).overflowX) && e.tabIndex < 0).map((e) => e.outerHTML.slice(0, 80))
"""


def check_page(page: Path) -> None:
    """Open the page wide and narrow, light and dark, with everything unfolded; raise on the first thing that is wrong."""
    with Browser() as browser:
        for width in (1280, 390):
            for dark in (False, True):
                browser.open(page, width, dark=dark)
                where = f"{width} px, {'dark' if dark else 'light'}"
                assert browser.ask(WIDER) == 0, f"{where}: scrolls sideways"
                browser.ask(OPEN_ALL)
                assert browser.ask(WIDER) == 0, f"{where}, unfolded: scrolls sideways"
                assert browser.ask("document.images.length") > 5
                assert browser.ask(BROKEN_PICTURES) == [], where
                assert browser.ask("document.links.length") > 20
                assert browser.ask(DEAD_LINKS) == [], where
                assert browser.ask(FAINT_TEXTS) == [], where
                assert browser.ask(UNREACHABLE) == [], where
        check_keyboard(browser, page)
        check_print(browser, page)
        assert browser.complaints == []


def check_keyboard(browser: Browser, page: Path) -> None:
    """The first stop leads past the contents; a link to a card opens it."""
    browser.open(page, 1280)
    browser.press("Tab")
    assert browser.ask("document.activeElement.className") == "skip"
    assert browser.ask("document.activeElement.getBoundingClientRect().left") >= 0, "it shows when it has the focus"
    browser.press("Enter")
    assert browser.ask("location.hash") == "#main"
    card = browser.ask("document.querySelector('details.card').id")
    browser.ask(f"document.querySelector('a[href=\"#{card}\"]').focus()")
    browser.press("Enter")
    assert browser.ask(f"new Promise((done) => setTimeout(() => done(document.getElementById('{card}').open), 100))")


def check_print(browser: Browser, page: Path) -> None:
    """On paper: no contents list, nothing cut off at the side, dark ink on white whatever the screen shows."""
    browser.open(page, 800, dark=True, media="print")
    assert browser.ask("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert browser.ask("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert browser.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.ask(WIDER) == 0
    paper = base64.b64decode(browser.call("Page.printToPDF", printBackground=True)["data"])
    assert paper.startswith(b"%PDF") and paper.count(b"/Type /Page\n") + paper.count(b"/Type /Page ") + paper.count(b"/Type/Page") > 3
