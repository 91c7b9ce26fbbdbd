"""Disputes and deadlines as officers see them."""

import httpx
from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn
from tests.browser.office import Dashboard, Newsroom, iso, now


def contest(newsroom: Newsroom, name: str) -> None:
    (article,) = newsroom.articles("so-tu-phap", 1)
    newsroom.send(("dispute.submitted", {
        "dispute_id": name, "agency": "so-tu-phap", "about": "fact", "module": "content",
        "fact": {"source": article["source"], "id": article["id"]}, "claim": "Tin này không phải của Sở",
        "submitted_at": iso(now()),
    }))  # fmt: skip


def test_an_officer_takes_a_dispute_up_and_upholds_it(
    page: Page, newsroom: Newsroom, sign_in: SignIn, dashboard: Dashboard
) -> None:
    contest(newsroom, "kn-trang")
    page.goto("/agency/so-tu-phap")
    one = page.locator("#dispute-kn-trang")
    expect(one).to_contain_text("Tin này không phải của Sở")
    expect(one).to_contain_text("mới gửi")
    expect(one.get_by_role("button", name="Thụ lý")).to_have_count(0)
    form = {"agency": "so-tu-phap", "dispute": "kn-trang", "action": "uphold", "reason": "x"}
    assert httpx.post(f"{dashboard.url}/actions/vi/dispute", data=form).status_code == 401

    page.goto("/period")
    page.locator("#contested-list summary").click()
    expect(page.locator("#contested-list").get_by_role("link", name="Sở Tư pháp")).to_be_visible()

    sign_in(page, "an")
    page.goto("/agency/so-tu-phap")
    one.get_by_role("button", name="Thụ lý").click()
    expect(page.get_by_text("Đã thụ lý kiến nghị.")).to_be_visible()
    expect(one).to_contain_text("an đã thụ lý")
    one.get_by_text("Quyết định", exact=True).click()
    one.get_by_label("Lý do").fill("Đã xác minh")
    one.get_by_label("Rút lại dữ kiện bị kiến nghị").check()
    one.get_by_role("button", name="Chấp nhận").click()
    expect(page.get_by_text("Đã chấp nhận kiến nghị.")).to_be_visible()
    expect(one).to_contain_text("được chấp nhận")
    one.get_by_role("button", name="dispute/so-tu-phap/kn-trang/2.1/1").click()
    expect(page.get_by_role("dialog")).to_contain_text("scoring-office")


def test_a_deadline_is_shown_step_by_step_over_its_facts(page: Page) -> None:
    page.goto("/work?kind=dossier")
    page.locator("#entity-dossier-1").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Cách tính hạn")).to_be_visible()
    expect(dialog).to_contain_text("Bắt đầu tính từ")
    expect(dialog).to_contain_text("Tổng thời hạn")
    expect(dialog).to_contain_text("đang quá hạn")


def test_the_warnings_that_went_out_are_listed(page: Page) -> None:
    page.goto("/work")
    expect(page.get_by_role("heading", name="Cảnh báo đã gửi")).to_be_visible()
