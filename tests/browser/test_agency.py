"""One agency: every criterion with its numbers, down to the facts as sent, and why the score changed."""

import re

from playwright.sync_api import Page, expect

from tests.browser.office import Newsroom


def opened(page: Page, agency: str = "so-y-te") -> Page:
    page.goto(f"/agency/{agency}")
    expect(page.get_by_role("heading", name="Cung cấp thông tin")).to_be_visible()
    return page


def test_every_criterion_has_its_rule_numbers_points_and_provenance(page: Page) -> None:
    opened(page)
    rows = page.locator("table.criteria").get_by_role("row")
    criterion = rows.filter(has=page.get_by_role("rowheader", name="Số lượng tin, bài"))
    expect(criterion).to_contain_text("giả định")
    expect(criterion).to_contain_text("min(15")
    expect(criterion).to_contain_text("tin, bài, CSDL")
    expect(criterion).to_contain_text(re.compile(r"/ 15"))
    for module in ("Hỏi - Đáp", "Dịch vụ công"):
        expect(page.get_by_role("heading", name=module, exact=True)).to_be_visible()


def test_a_number_is_followed_down_to_the_fact_as_it_was_sent(page: Page, newsroom: Newsroom) -> None:
    (sent,) = newsroom.articles("so-y-te", 1)
    newsroom.system.settle()
    opened(page)
    page.get_by_role("button", name="Bằng chứng của tiêu chí Số lượng tin, bài").click()
    sheet = page.get_by_role("dialog")
    entity = sheet.locator("details.entity").filter(has_text=sent["data"]["article_id"])
    for _ in range(20):
        expect(sheet.locator(".sheet-head")).to_be_visible()
        if entity.count():
            break
        sheet.get_by_role("button", name="Trang sau").click()
    entity.locator("summary").first.click()
    entity.get_by_text("Nguyên văn đã gửi").click()
    expect(entity.locator("pre")).to_contain_text(sent["data"]["title"])
    expect(entity.locator("pre")).to_contain_text(sent["id"])


def test_a_change_names_the_criteria_that_moved_and_the_facts_behind(page: Page, newsroom: Newsroom) -> None:
    opened(page, "so-tu-phap")
    (sent,) = newsroom.articles("so-tu-phap", 1)
    changes = page.locator("section").filter(
        has=page.get_by_role("heading", name="Điểm thay đổi khi nào, vì sao")
    )
    cause = changes.get_by_role("button", name=sent["id"])
    expect(cause).to_be_visible()
    moved = changes.get_by_role("row").filter(has=page.get_by_role("button", name=sent["id"]))
    expect(moved).to_contain_text("→")
    cause.click()
    expect(page.get_by_role("dialog")).to_contain_text("Đăng tin, bài")


def test_deadlines_and_peers_stand_beside(page: Page) -> None:
    opened(page)
    waiting = page.locator("section").filter(has=page.get_by_role("heading", name="Việc đang chờ"))
    expect(waiting.get_by_text("Quá hạn").first).to_be_visible()
    expect(waiting).to_contain_text("giờ")
    peers = page.locator("section").filter(has=page.get_by_role("heading", name="Cùng nhóm"))
    expect(peers.locator("[aria-current=true]")).to_contain_text("Sở Y tế")


def test_a_sheet_opens_and_closes_by_keyboard_and_gives_the_focus_back(page: Page) -> None:
    opened(page)
    button = page.get_by_role("button", name="Bằng chứng của tiêu chí Số lượng tin, bài")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").locator("h2")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(button).to_be_focused()


def test_the_table_leads_to_the_agency_by_keyboard(page: Page) -> None:
    page.goto("/")
    cell = page.locator('.ag-row[row-id="so-y-te"] [col-id="name"]')
    expect(cell).to_be_attached()
    cell.click(position={"x": 180, "y": 10})
    page.keyboard.press("Enter")
    page.wait_for_url("**/agency/so-y-te*")


def test_an_agency_that_nobody_scores_says_so(page: Page) -> None:
    page.goto("/agency/cong-ttdt-tinh")
    expect(page.get_by_text("không thuộc diện chấm điểm")).to_be_visible()


def test_an_unknown_agency_says_so(page: Page) -> None:
    page.goto("/agency/khong-co")
    expect(page.get_by_text("Không có cơ quan này")).to_be_visible()
