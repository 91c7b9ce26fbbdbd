"""Disputes and deadlines as officers see them."""

import httpx
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SignIn
from tests.browser.office import PASSWORD, Dashboard, Newsroom, iso, now, running_dashboard, this_quarter


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


def test_somebody_of_an_agency_contests_a_criterion_and_takes_it_back(
    browser: Browser, dashboard: Dashboard, newsroom: Newsroom, sign_in: SignIn
) -> None:
    key = dashboard.log.with_name("dashboard.json")
    settings = {"BUS_DISPUTE_KEY_FILE": str(key)}
    with running_dashboard(dashboard.system, dashboard.log.parent, **settings) as own:
        own.add_officer("chi", "agency", "so-y-te")
        page = browser.new_page(base_url=own.url, locale="vi-VN")
        sign_in(page, "chi")
        page.goto("/agency/so-y-te")
        expect(page.locator("#contest")).to_contain_text("chưa được cấp khóa")
        added = ("publisher", "add", "dashboard", "--agencies", "*", "--types", "dispute.*")
        key.write_text(dashboard.system.run(*added).stdout)

        page.goto("/agency/so-tu-phap")
        expect(page.get_by_role("heading", name="Kiến nghị")).to_be_visible()
        expect(page.locator("#contest")).to_have_count(0)
        page.goto("/agency/so-y-te")
        page.locator("#contest > summary").click()
        page.get_by_label("Kiến nghị về").select_option("qa/acceptance")
        page.get_by_label("Nội dung kiến nghị").fill("Câu hỏi 17 đã được tiếp nhận đúng hạn")
        page.get_by_role("button", name="Gửi kiến nghị").click()
        expect(page.get_by_text("Đã gửi kiến nghị.")).to_be_visible()
        one = page.locator("article[id^=dispute-bd-]")
        expect(one).to_contain_text("Câu hỏi 17 đã được tiếp nhận đúng hạn")
        expect(one).to_contain_text("qa/acceptance")
        expect(one).to_contain_text("mới gửi")
        one.get_by_role("button", name="Rút kiến nghị").click()
        expect(page.get_by_text("Đã rút kiến nghị.")).to_be_visible()
        expect(one).to_contain_text("đã rút")

        page.locator("#contest > summary").click()
        page.get_by_label("Nội dung kiến nghị").fill("Không phải của Sở")
        page.get_by_text("Kiến nghị về một dữ kiện").click()
        page.get_by_label("Nguồn của dữ kiện").fill("/publishers/trinh-duyet")
        page.get_by_label("Mã dữ kiện").fill("không có")
        page.get_by_role("button", name="Gửi kiến nghị").click()
        expect(page.get_by_text("Cơ quan này không có dữ kiện như vậy.")).to_be_visible()
        page.close()


def test_nobody_contests_for_an_agency_of_others(dashboard: Dashboard, newsroom: Newsroom) -> None:
    dashboard.add_officer("dung", "agency", "so-tu-phap")
    form = {"agency": "so-y-te", "dispute": "bd-x", "claim": "x", "period": this_quarter()}
    with httpx.Client(base_url=dashboard.url) as client:
        assert client.post("/actions/vi/contest", data=form).status_code == 401
        for name in ("dung", "an"):
            client.post("/session", data={"name": name, "password": PASSWORD, "next": "/"})
            assert client.post("/actions/vi/contest", data=form).status_code == 403
            assert client.post("/actions/vi/contest/withdraw", data=form).status_code == 403


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
