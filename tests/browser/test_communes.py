"""Communes by district, and signals on an agency's page."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn
from tests.browser.office import Dashboard

OURS, THEIRS = "xa-y-ty-bat-xat", "thi-xa-sa-pa"


def test_a_district_s_table_names_its_rules_and_what_waits(page: Page) -> None:
    page.goto("/communes?district=huyen-bat-xat")
    expect(page.get_by_role("heading", name="Xã, phường, thị trấn của Huyện Bát Xát")).to_be_visible()
    expect(page.get_by_text("communes-huyen-bat-xat@2024.1")).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(14)
    expect(page.get_by_text("Chờ huyện đánh giá").first).to_be_visible()
    page.get_by_role("link", name="Xã Y Tý").click()
    expect(page.get_by_text("Chất lượng tin bài do huyện đánh giá").first).to_be_visible()


def test_everybody_may_choose_a_district_without_rules_and_is_told(page: Page) -> None:
    page.goto("/communes?district=huyen-si-ma-cai")
    expect(page.get_by_text("Chưa có bộ tiêu chí của huyện này")).to_be_visible()
    expect(page.get_by_label("Chọn huyện").get_by_role("option")).to_have_count(9)


def test_a_district_s_officer_sees_the_own_communes_only(
    page: Page, dashboard: Dashboard, sign_in: SignIn
) -> None:
    dashboard.add_officer("cuc", "district", "huyen-bat-xat")
    sign_in(page, "cuc")
    page.goto("/communes")
    expect(page.get_by_role("heading", name="Xã, phường, thị trấn của Huyện Bát Xát")).to_be_visible()
    expect(page.get_by_label("Chọn huyện").get_by_role("option")).to_have_count(1)
    page.goto(f"/communes?district={THEIRS}")
    expect(page.get_by_text("chỉ xem được cấp xã của huyện mình")).to_be_visible()
    page.goto("/agency/xa-ta-phin-sa-pa")
    expect(page.get_by_text("chỉ xem được cấp xã của huyện mình")).to_be_visible()
    page.goto(f"/agency/{OURS}")
    expect(page.get_by_text("Chất lượng tin bài do huyện đánh giá").first).to_be_visible()
    page.goto("/period")
    expect(page.locator("#closing")).to_have_count(0)


def test_an_agency_s_page_lists_signals_and_says_that_they_move_no_point(page: Page) -> None:
    page.goto("/agency/so-y-te")
    expect(page.get_by_role("heading", name="Dấu hiệu cần xem xét")).to_be_visible()
    expect(page.get_by_text("không làm thay đổi điểm nào")).to_be_visible()
