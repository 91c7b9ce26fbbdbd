"""Questions and dossiers that wait; the rule sets in words, and what a draft would change."""

import re

from playwright.sync_api import Page, expect

from tests.browser.office import Newsroom, iso, now


def test_what_waits_is_counted_by_agency(page: Page) -> None:
    page.goto("/work")
    summary = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="Sở Y tế"))
    expect(summary.locator("td.hot")).not_to_have_count(0)
    summary.locator("td.hot a").first.click()
    expect(page.get_by_label("Tình trạng")).to_have_value("overdue")
    expect(page.get_by_label("Cơ quan")).to_have_value("so-y-te")


def test_an_overdue_dossier_leads_the_list_and_goes_when_it_is_resolved(
    page: Page, newsroom: Newsroom
) -> None:
    dossier = newsroom.dossier("huyen-bat-xat", due_in_days=-20)
    page.goto("/work?agency=huyen-bat-xat")
    item = page.get_by_role("row").filter(has_text=dossier)
    expect(item).to_contain_text("Quá hạn")
    expect(item).to_contain_text(re.compile(r"quá [\d.,]+ giờ"))
    resolved = {
        "dossier_code": dossier,
        "agency": "huyen-bat-xat",
        "resolved_at": iso(now()),
        "outcome": "approved",
    }
    newsroom.send(("dossier.resolved", resolved))
    expect(item).to_have_count(0)


def test_working_hours_left_leave_nights_and_weekends_out(page: Page, newsroom: Newsroom) -> None:
    dossier = newsroom.dossier("huyen-bat-xat", due_in_days=30)
    page.goto("/work?agency=huyen-bat-xat&kind=dossier")
    told = page.get_by_role("row").filter(has_text=dossier).get_by_text(re.compile(r"^[\d.]+,\d giờ$"))
    hours = float(told.inner_text().removesuffix(" giờ").replace(".", "").replace(",", "."))
    # 30 days hold 20 to 22 days from Monday to Friday of eight hours; Tết takes eight of them at most.
    assert 12 * 8 <= hours <= 22 * 8


def test_an_item_opens_the_facts_of_its_history(page: Page, newsroom: Newsroom) -> None:
    question = newsroom.question("huyen-bat-xat")
    page.goto("/work?agency=huyen-bat-xat&kind=question")
    page.get_by_role("button", name=question).click()
    sheet = page.get_by_role("dialog")
    expect(sheet).to_contain_text("Nhận câu hỏi")
    expect(sheet).to_contain_text("Tiếp nhận câu hỏi")


def test_rules_are_told_in_words_with_formula_and_provenance(page: Page) -> None:
    page.goto("/rules")
    expect(page.get_by_role("columnheader", name="Công thức")).to_be_visible()
    expect(page.get_by_text("15 × “tuần có tin” ÷ “tuần đã qua” ÷ 0,8, không quá 15 điểm")).to_be_visible()
    expect(page.get_by_text("giả định").first).to_be_visible()
    expect(page.get_by_text("theo báo cáo").first).to_be_visible()
    page.locator("select[name=show]").select_option(value="questions@2024.1")
    expect(page.get_by_role("rowheader", name="Trả lời đúng hạn")).to_be_visible()


def test_two_rule_sets_stand_side_by_side(page: Page) -> None:
    page.goto("/rules?show=content-government@2024.1&with=content-party@2024.1")
    expect(page.get_by_role("heading", name="Hai bộ quy tắc cạnh nhau")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Thang điểm")).to_contain_text("90 + 5")
    expect(page.get_by_text("thay đổi", exact=True).first).to_be_visible()


def test_a_draft_tells_who_would_gain_and_lose(page: Page) -> None:
    page.goto("/rules?show=content-government@2024.1")
    draft = page.get_by_label("Bản nháp (YAML)")
    text = draft.input_value()
    # Ten times as many items for the full points of volume: nobody reaches that.
    draft.fill(text.replace("1 * window.weeks", "100 * window.weeks"))
    page.get_by_role("button", name="Thử").click()
    sheet = page.get_by_role("dialog")
    expect(sheet).to_contain_text("cơ quan giảm điểm")
    expect(sheet.get_by_role("row").filter(has_text="Sở Y tế")).to_contain_text("−")


def test_a_draft_that_cannot_be_is_refused_with_its_reason(page: Page) -> None:
    page.goto("/rules?show=questions@2024.1")
    draft = page.get_by_label("Bản nháp (YAML)")
    draft.fill(draft.input_value().replace("base: 15", "base: 16"))
    page.get_by_role("button", name="Thử").click()
    expect(page.get_by_role("dialog").get_by_role("listitem").first).to_be_visible()
