"""For everybody: no barrier that axe finds, no asset from elsewhere, legible on a phone and on a wall."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.office import Dashboard

PAGES = ("/", "/agency/so-y-te", "/communes", "/work", "/rules", "/period", "/operations", "/sign-in")
SIZES: dict[str, ViewportSize] = {
    "phone": {"width": 390, "height": 844},
    "desktop": {"width": 1440, "height": 900},
    "wall": {"width": 2560, "height": 1440},
}
SERIOUS = ("serious", "critical")


def settled(page: Page, path: str) -> None:
    """Open a page and wait until the live stream and its numbers are there."""
    page.goto(path)
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    expect(page.get_by_role("main")).to_be_visible()
    if path in ("/", "/en"):
        expect(page.locator("#figures")).to_have_attribute("aria-busy", "false")
        expect(page.locator('.ag-row[row-id="so-y-te"]').first).to_be_attached()


@pytest.mark.parametrize("path", [*PAGES, "/en", "/en/period"])
def test_axe_finds_nothing_serious(page: Page, path: str) -> None:
    settled(page, path)
    found = Axe().run(page).response["violations"]
    serious = {
        f"{one['id']}: {node['html'][:160]}"
        for one in found
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    }
    assert serious == set()


@pytest.mark.parametrize("path", PAGES)
def test_everything_comes_from_the_service_itself(page: Page, dashboard: Dashboard, path: str) -> None:
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    page.on("websocket", lambda socket: asked.add(urlsplit(socket.url).netloc))
    settled(page, path)
    assert asked - {"", urlsplit(dashboard.url).netloc} == set()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("path", PAGES)
def test_no_page_is_wider_than_its_screen(
    browser: Browser, dashboard: Dashboard, pictures: Path, path: str, size: str
) -> None:
    page = browser.new_page(base_url=dashboard.url, viewport=SIZES[size])
    settled(page, path)
    name = path.strip("/").replace("/", "-") or "overview"
    page.screenshot(path=pictures / f"{name}-{size}.png", full_page=size != "wall")
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"]
    page.close()


def test_the_content_is_one_tab_away(page: Page) -> None:
    settled(page, "/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Bỏ qua, đến nội dung chính")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_pages_say_which_one_is_open_and_what_language_they_speak(page: Page) -> None:
    settled(page, "/work")
    expect(page.locator("html")).to_have_attribute("lang", "vi")
    expect(page.locator("nav [aria-current=page]")).to_have_text("Câu hỏi và hồ sơ")
    expect(page).to_have_title("Câu hỏi và hồ sơ · Điểm Cổng TTĐT Lào Cai")
