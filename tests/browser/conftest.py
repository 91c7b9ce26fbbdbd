"""A real Chromium, a real system, and a dashboard with something to show."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.browser.office import AGENCIES, PASSWORD, PUBLISHER, Dashboard, Newsroom, running_dashboard
from tests.whole_system import RunningSystem

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
DESKTOP: ViewportSize = {"width": 1440, "height": 900}
REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE_MS = 30_000
"""How long an expectation may take on a busy machine. It is no measure of speed."""

expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this directory needs a browser and a whole system."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.system)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium: BUS_CHROMIUM, or one on the path, or the one that Playwright installed."""
    found = os.environ.get("BUS_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        except PlaywrightError as error:
            pytest.fail(
                "There is no Chromium to test with. Install one (Debian, Ubuntu: apt-get install chromium; "
                "elsewhere: python -m playwright install chromium), or name it in BUS_CHROMIUM. "
                f"The browser said: {str(error).splitlines()[0]}"
            )
        yield started
        started.close()


@pytest.fixture(scope="session")
def newsroom(system: RunningSystem) -> Newsroom:
    """A publisher that may speak for every agency, after a first round of facts."""
    room = Newsroom(system, system.add_publisher(PUBLISHER))
    for number, agency in enumerate(AGENCIES):
        room.articles(agency, 12 - 4 * number)
        room.question(agency, answered=True)
    room.question("so-tu-phap", days_ago=30)
    room.question("so-y-te")
    room.dossier("so-y-te", due_in_days=-5)
    room.dossier("so-tu-phap", due_in_days=30)
    room.refused("so-y-te")
    system.settle()
    return room


@pytest.fixture(scope="session")
def dashboard(
    system: RunningSystem, newsroom: Newsroom, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Dashboard]:
    """A dashboard that anybody may read, with two officers."""
    with running_dashboard(system, tmp_path_factory.mktemp("dashboard")) as running:
        running.add_officer("an", "officer")
        running.add_officer("binh", "administrator")
        yield running


@pytest.fixture
def page(browser: Browser, dashboard: Dashboard) -> Iterator[Page]:
    """An empty page at desktop size; an error in a script of ours fails the test."""
    context = browser.new_context(viewport=DESKTOP, base_url=dashboard.url, locale="vi-VN")
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    yield opened
    context.close()
    assert faults == []


SignIn = Callable[[Page, str], None]


@pytest.fixture(scope="session")
def sign_in() -> SignIn:
    """Sign an officer in through the page."""

    def through_the_page(page: Page, name: str) -> None:
        page.goto("/sign-in")
        page.get_by_label("Tên tài khoản").fill(name)
        page.get_by_label("Mật khẩu").fill(PASSWORD)
        page.get_by_role("main").get_by_role("button", name="Đăng nhập").click()
        expect(page.get_by_text(f"Cán bộ {name}")).to_be_visible()

    return through_the_page


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where screenshots go, for CI to keep and people to look at: BUS_ARTIFACTS, else `out` here."""
    directory = Path(os.environ.get("BUS_ARTIFACTS") or REPOSITORY / "out") / "screenshots"
    directory.mkdir(parents=True, exist_ok=True)
    return directory
