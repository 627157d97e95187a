# SPDX-License-Identifier: Apache-2.0
"""Does the HTML report look right in a real browser, on a telephone and on a desk?"""

from __future__ import annotations

import msgspec
import pytest

from kguard.fleet import merged, row
from kguard.reporters import Settings, render
from tests.e2e.browser import Browser
from tests.unit.reporters import reports

WIDTHS = (375, 1280)

OVERFLOWING = """
[...document.querySelectorAll('body, body *')]
  .filter(e => !e.closest('svg') && !e.closest('thead') && !e.closest('.skip'))
  .filter(e => e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1)
  .map(e => e.tagName + '.' + e.className + ': ' + e.textContent.trim().slice(0, 60))
"""
OUTSIDE = """
[...document.querySelectorAll('main *, header *')]
  .filter(e => !e.closest('thead'))
  .filter(e => { const r = e.getBoundingClientRect();
                 return r.width > 0 && (r.right > innerWidth + 1 || r.left < -1); })
  .map(e => e.tagName + '.' + (e.className.baseVal ?? e.className))
"""
OVERLAPPING = """
(() => {
  const found = [];
  for (const parent of document.querySelectorAll('body, body *')) {
    if (parent.closest('svg')) continue;
    const boxes = [...parent.children]
      .filter(e => !['STYLE', 'SCRIPT'].includes(e.tagName) && !e.matches('.skip, thead'))
      .filter(e => getComputedStyle(e).display !== 'inline')
      .map(e => [e, e.getBoundingClientRect()]).filter(([e, r]) => r.width > 0 && r.height > 0);
    for (let i = 0; i < boxes.length; i++) for (let j = i + 1; j < boxes.length; j++) {
      const [a, r] = boxes[i], [b, s] = boxes[j];
      const wide = Math.min(r.right, s.right) - Math.max(r.left, s.left);
      const high = Math.min(r.bottom, s.bottom) - Math.max(r.top, s.top);
      if (wide > 1 && high > 1) found.push(a.tagName + ' over ' + b.tagName);
    }
  }
  return found;
})()
"""
DRAWN_TEXT = """
(() => {
  const found = [];
  for (const node of document.querySelectorAll('svg .node')) {
    const frame = node.querySelector('rect').getBoundingClientRect();
    const texts = [...node.querySelectorAll('text')].filter(t => t.textContent)
      .map(t => t.getBoundingClientRect());
    for (const t of texts)
      if (t.right > frame.right + 1 || t.left < frame.left - 1 || t.bottom > frame.bottom + 1
          || t.top < frame.top - 1) found.push('cut: ' + node.textContent);
    if (texts.length === 2 && texts[0].bottom > texts[1].top + 3)
      found.push('over: ' + node.textContent);
  }
  return found;
})()
"""
UNREACHABLE = """
[...document.querySelectorAll('article[id], tr[id]')].filter(e => {
  location.hash = e.id;
  const r = e.getBoundingClientRect();
  return !(r.height > 0 && r.bottom > 0 && r.top < innerHeight);
}).map(e => e.id)
"""
CONTRAST = """
(() => {
  const parse = c => (c.match(/[0-9.]+/g) || []).map(Number);
  const light = ([r, g, b]) => { const f = v => { v /= 255;
    return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
  const behind = e => { for (; e; e = e.parentElement) {
    const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] > 0) return c; } return [255, 255, 255]; };
  const found = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (e.closest('svg') || !own) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(e.className + ' ' + ratio.toFixed(2));
  }
  return found;
})()
"""


@pytest.fixture(scope="module")
def browser():
    opened = Browser()
    yield opened
    opened.close()


def long_words():
    name = "a-name-without-any-place-to-break-" * 8
    finding = reports.finding("network/long", name, message=f"any pod can open {name}")
    return reports.report(finding, inputs=("deploy/" + "x" * 200,))


REPORTS = {
    "full": lambda: msgspec.structs.replace(reports.full(), facts=reports.facts()),
    "hostile": reports.hostile,
    "empty": reports.report,
    "long words": long_words,
}


@pytest.fixture(params=[(name, width) for name in REPORTS for width in WIDTHS], ids=str)
def page(request, browser, tmp_path):
    name, width = request.param
    report = REPORTS[name]()
    file = tmp_path / "report.html"
    file.write_text(render("html", report, Settings(exit_code=1)), encoding="utf-8")
    browser.open(file, width)
    return browser, report


def test_nothing_is_cut_and_nothing_overlaps(page):
    browser, _ = page
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth") is True
    assert browser.evaluate(OVERFLOWING) == []
    assert browser.evaluate(OUTSIDE) == []
    assert browser.evaluate(OVERLAPPING) == []
    assert browser.evaluate(DRAWN_TEXT) == []


def test_every_finding_can_be_reached(page):
    browser, report = page
    ids = browser.evaluate("[...document.querySelectorAll('[id^=finding-]')].map(e => e.id)")
    assert sorted(ids) == sorted(f"finding-{finding.fingerprint}" for finding in report.findings)
    assert browser.evaluate(UNREACHABLE) == []


def test_the_browser_has_nothing_to_complain_about(page):
    browser, _ = page
    assert browser.complaints() == []
    assert [url for url in browser.requests() if not url.startswith("file://")] == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", REPORTS)
def test_the_page_for_auditors_looks_right(browser, tmp_path, name, width):
    file = tmp_path / "controls.html"
    file.write_text(render("controls-html", REPORTS[name](), Settings()), encoding="utf-8")
    browser.open(file, width)
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth") is True
    for check in (OVERFLOWING, OUTSIDE, OVERLAPPING, UNREACHABLE, CONTRAST):
        assert browser.evaluate(check) == []
    assert browser.complaints() == []
    assert [url for url in browser.requests() if not url.startswith("file://")] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(browser, tmp_path, scheme):
    file = tmp_path / "report.html"
    file.write_text(render("html", REPORTS["full"](), Settings()), encoding="utf-8")
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.call("Emulation.setEmulatedMedia", features=[feature])
    browser.open(file, 1280)
    paper = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") is (scheme == "light")
    assert browser.evaluate(CONTRAST) == []
    browser.call("Emulation.setEmulatedMedia", features=[])


def test_print_shows_every_finding(browser, tmp_path):
    file = tmp_path / "report.html"
    file.write_text(render("html", REPORTS["full"](), Settings()), encoding="utf-8")
    browser.open(file, 1280)
    browser.call("Emulation.setEmulatedMedia", media="print")
    hidden = "[...document.querySelectorAll('article')].filter(e => e.offsetHeight === 0).length"
    assert browser.evaluate(hidden) == 0
    assert len(browser.call("Page.printToPDF")["data"]) > 10_000
    browser.call("Emulation.setEmulatedMedia", media="")


BROKEN = """<!doctype html><title>x</title><style>body { margin: 0 }</style><main>
<p style="height: 20px">one</p><p style="height: 20px; margin-top: -20px">two</p>
<p style="width: 40px; overflow: hidden; white-space: nowrap">a long text that is cut</p>
<p style="width: 3000px; color: #ddd">wide and pale</p>
<article id="finding-1" style="display: none">gone</article>
<img src="https://example.invalid/x.png" alt=""></main>"""


def test_the_checks_see_what_is_wrong(browser, tmp_path):
    file = tmp_path / "broken.html"
    file.write_text(BROKEN, encoding="utf-8")
    browser.open(file, 375)
    assert browser.evaluate(OVERLAPPING) == ["P over P"]
    assert any("a long text" in text for text in browser.evaluate(OVERFLOWING))
    assert "P." in browser.evaluate(OUTSIDE)
    assert browser.evaluate(UNREACHABLE) == ["finding-1"]
    assert browser.evaluate(CONTRAST)
    assert any("example.invalid" in url for url in browser.requests())


def fleet():
    names = ("prod", "staging-with-a-long-name-" * 5, "east")
    own = [msgspec.structs.replace(REPORTS["full"](), complete=index < 2) for index in range(3)]
    since = dict.fromkeys((f.fingerprint for f in own[0].findings), "2026-11-01T00:00:00Z")
    rows = [row(name, report, since) for name, report in zip(names, own, strict=True)]
    return merged(rows, own)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("pages", [{}, {"prod": "prod.html", "east": "east.html"}], ids=len)
def test_the_page_about_several_clusters_is_whole(browser, tmp_path, width, pages):
    file = tmp_path / "index.html"
    file.write_text(render("html", fleet(), Settings(pages=pages)), encoding="utf-8")
    browser.open(file, width)
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth") is True
    assert browser.evaluate(OVERFLOWING) == []
    assert browser.evaluate(OUTSIDE) == []
    assert browser.evaluate(OVERLAPPING) == []
    assert browser.evaluate("document.querySelectorAll('tbody tr').length") == 3
    assert browser.evaluate("document.querySelectorAll('tbody td').length") == 15
    broken = "[...document.querySelectorAll('a[href^=\"#\"]')].filter(a => !document.querySelector("
    assert browser.evaluate(f"{broken}a.getAttribute('href'))).map(a => a.href)") == []
    assert browser.complaints() == []
