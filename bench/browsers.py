"""Real browsers that look at the league table, and say when which score stood in the page.

In the page a listener of the live stream waits for the frame that the browser paints after the table has
taken the changes, reads the cells as they then stand in the document, and notes the instant: from then on an
officer could read them.
"""

import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import psutil
from playwright.async_api import Page, ViewportSize, async_playwright

from shared.runtime.priority import LAST, give_way

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
SIZES: tuple[ViewportSize, ...] = (
    {"width": 1440, "height": 900},
    {"width": 390, "height": 844},
    {"width": 2560, "height": 1440},
)
OPEN_MS = 90_000

_NOTE = """() => {
  const seen = (window.benchSeen = []);
  const newest = new Map();
  const words = new Intl.NumberFormat("vi-VN", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  window.bus.on("delta", (frame) => {
    for (const row of frame.rows) newest.set(row.agency, row);
    requestAnimationFrame(() => setTimeout(() => {
      const at = Date.now() / 1000;
      for (const { agency } of frame.rows) {
        const row = newest.get(agency);
        const cell = document.querySelector(`.ag-row[row-id="${agency}"] [col-id="total"] b`);
        seen.push([at, agency, row.revision, cell ? cell.textContent === words.format(row.total) : null]);
      }
    }));
  });
}"""

Note = tuple[float, str, int, bool | None]
"""Instant, agency, revision, and whether the cell held its points; None where the row is out of sight."""


def chromium() -> str | None:
    """The browser: BUS_CHROMIUM, or one on the path."""
    return os.environ.get("BUS_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@asynccontextmanager
async def looking(address: str, program: str) -> AsyncIterator[Sequence[Page]]:
    """A page of each size, on a live table."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        try:
            pages = []
            for size in SIZES:
                context = await browser.new_context(viewport=size, locale="vi-VN")
                page = await context.new_page()
                await page.goto(address, timeout=OPEN_MS)
                await page.wait_for_selector('#live[data-state="live"]', timeout=OPEN_MS)
                await page.wait_for_selector(".ag-row [col-id=total] b", timeout=OPEN_MS, state="attached")
                await page.evaluate(_NOTE)
                pages.append(page)
            _step_back()
            yield pages
        finally:
            await browser.close()


def cpu_seconds(process: psutil.Process) -> float:
    """Processor time that a process has taken."""
    times = process.cpu_times()
    return float(times.user + times.system)


def cpu_of_browsers() -> float:
    """The processor time of all browser processes that this process has started."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if "chrom" in process.name():
                total += cpu_seconds(process)
    return total


def _step_back() -> None:
    """Officers' browsers run on machines of their own: here they only get what the services leave over."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if "chrom" in process.name():
                give_way(LAST, process.pid)


async def noted(page: Page) -> list[Note]:
    """What a page has shown since it was opened."""
    found: list[Any] = await page.evaluate("window.benchSeen")
    return [(float(at), str(agency), int(revision), held) for at, agency, revision, held in found]
