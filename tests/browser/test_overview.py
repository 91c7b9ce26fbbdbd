"""The overview: the table, finding one's way in it, and numbers that move by themselves."""

import re
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.office import Dashboard, Newsroom, running_dashboard, this_quarter, today


def row(page: Page, agency: str) -> Locator:
    """The row of an agency in the league table."""
    return page.locator(f'.ag-row[row-id="{agency}"]').filter(has=page.locator('[col-id="name"]'))


def names(page: Page) -> list[str]:
    """The agencies in the table, from top to bottom."""
    cells = page.locator('.ag-center-cols-container .ag-row [col-id="name"]')
    return [cell.inner_text() for cell in cells.all()]


def opened(page: Page, path: str = "/") -> Page:
    page.goto(path)
    expect(row(page, "so-y-te")).to_be_attached()
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    return page


def test_every_scored_agency_stands_in_the_table_with_its_points(page: Page) -> None:
    opened(page)
    expect(page.locator("#league-count")).to_have_text(re.compile(r"^(\d+) / \1 cơ quan$"))
    cell = row(page, "so-y-te").locator('[col-id="total"]')
    expect(cell).to_have_text(re.compile(r"^\d+,\d\d / 100$"))
    expect(row(page, "so-y-te").get_by_role("link", name="Sở Y tế")).to_be_visible()


def test_the_opening_figures_are_filled(page: Page) -> None:
    opened(page)
    expect(page.locator("#figures")).to_have_attribute("aria-busy", "false")
    expect(page.locator('[data-bind="portals.value"]')).to_have_text("196")
    expect(page.locator('[data-bind="questions.value"]')).not_to_have_text(re.compile("…|^0$"))


def test_an_agency_is_found_without_diacritics(page: Page) -> None:
    opened(page)
    page.get_by_role("searchbox").fill("so tu phap")
    expect(row(page, "so-y-te")).to_have_count(0)
    expect(row(page, "so-tu-phap")).to_be_visible()
    expect(page.locator("#league-count")).to_have_text(re.compile(r"^1 /"))


def test_a_group_is_shown_by_itself(page: Page) -> None:
    opened(page)
    page.get_by_role("button", name="Cấp huyện").click()
    expect(row(page, "so-y-te")).to_have_count(0)
    expect(row(page, "huyen-bat-xat")).to_be_visible()
    expect(page.locator("#league-count")).to_have_text(re.compile(r"^9 /"))


def test_the_table_is_sorted_by_any_column(page: Page) -> None:
    opened(page)
    page.get_by_role("button", name="Cấp huyện").click()
    expect(page.locator("#league-count")).to_have_text(re.compile(r"^9 /"))
    header = page.locator('.ag-header-cell[col-id="content"]')
    header.click()
    header.click()
    expect(header).to_have_attribute("aria-sort", "descending")
    # The grid moves its rows by styles; the row at the top is the one with index 0.
    expect(page.locator('.ag-row[row-index="0"] [col-id="name"]')).to_have_text("Huyện Bát Xát")


def test_a_score_that_moves_shows_it_without_a_reload(page: Page, newsroom: Newsroom) -> None:
    opened(page)
    cell = row(page, "huyen-bat-xat").locator('[col-id="content"]')
    before = cell.inner_text()
    newsroom.articles("huyen-bat-xat", 3)
    expect(cell).not_to_have_text(before)
    expect(page.locator("#recent")).to_contain_text("Huyện Bát Xát")
    expect(page.locator("#announcer")).to_contain_text("điểm")


def test_a_board_with_a_cut_off_moves_too(page: Page, newsroom: Newsroom) -> None:
    opened(page, f"/?period={this_quarter()}&to={today()}")
    cell = row(page, "so-tu-phap").locator('[col-id="content"]')
    before = cell.inner_text()
    newsroom.articles("so-tu-phap", 3)
    expect(cell).not_to_have_text(before)


def test_distribution_and_trend_are_drawn_and_told_in_numbers(page: Page) -> None:
    opened(page)
    expect(page.locator(".chart canvas")).to_have_count(2)
    counted = page.locator("#distribution-table [data-cell]")
    expect(counted.first).to_have_text(re.compile(r"^\d+$"))
    rows = page.locator("#league-count").inner_text().split(" / ")[1].split()[0]
    content = page.locator('#distribution-table [data-cell^="content."]').all_inner_texts()
    assert 0 < sum(map(int, content)) <= int(rows)
    page.locator("[data-series=questions]").click()
    expect(page.locator("[data-series=questions]")).to_have_attribute("aria-pressed", "true")


def test_what_is_old_is_said_to_be_old(
    browser: Browser, dashboard: Dashboard, tmp_path: Path, newsroom: Newsroom
) -> None:
    nobody = {"BUS_SCORING_URL": "http://127.0.0.1:9", "BUS_GRAFANA_URL": "https://grafana.example/d/bus"}
    with running_dashboard(dashboard.system, tmp_path, **nobody) as alone:
        page = browser.new_page(base_url=alone.url, locale="vi-VN")
        page.goto("/")
        expect(page.locator("#live")).to_have_attribute("data-state", "stale")
        expect(page.get_by_role("alert").filter(has_text="Dịch vụ chấm điểm không trả lời")).to_be_visible()
        page.goto("/agency/so-y-te")
        expect(page.get_by_role("main")).to_contain_text("không trả lời")
        page.goto("/operations")
        expect(page.locator('[data-service="scoring"]')).to_have_attribute("data-state", "away")
        expect(page.get_by_role("link", name="Grafana")).to_have_attribute(
            "href", "https://grafana.example/d/bus"
        )
        page.close()


def test_a_lost_connection_says_so_and_comes_back(
    page: Page, dashboard: Dashboard, newsroom: Newsroom
) -> None:
    opened(page)
    dashboard.stop(kill=True)
    expect(page.locator("#live")).to_have_attribute("data-state", "lost")
    expect(page.get_by_role("alert").filter(has_text="Mất kết nối")).to_be_visible()
    expect(row(page, "so-y-te")).to_be_attached()
    newsroom.articles("so-y-te", 1)
    dashboard.start()
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    expect(page.locator("#banner")).to_be_hidden()


def test_english_is_a_click_away_and_keeps_the_period(page: Page) -> None:
    opened(page, f"/?period={this_quarter()}")
    page.get_by_role("link", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en-GB")
    expect(page.get_by_role("heading", name="League table")).to_be_visible()
    assert f"period={this_quarter()}" in page.url
    page.get_by_role("link", name="Tiếng Việt").click()
    expect(page.get_by_role("heading", name="Bảng xếp hạng")).to_be_visible()


def test_an_address_that_names_no_period_is_told_and_survived(page: Page) -> None:
    opened(page, "/?period=2024-Q9")
    expect(page.get_by_role("alert").filter(has_text="Địa chỉ này không dùng được")).to_be_visible()


def test_a_period_without_scores_says_so(page: Page) -> None:
    page.goto("/?period=2010-Q1")
    expect(page.locator("#league-state")).to_have_attribute("data-state", re.compile("empty|ready"))
