"""Where an agency stands: the year before, peers of its volume, what it can still reach, who judged what."""

from playwright.sync_api import Locator, Page, expect

from tests.browser.office import Newsroom, iso, now, this_quarter

AGENCY = "so-y-te"


def panel(page: Page, heading: str) -> Locator:
    """The section under a heading of the agency's page."""
    page.goto(f"/agency/{AGENCY}")
    found = page.locator("section").filter(has=page.get_by_role("heading", name=heading))
    expect(found).to_be_visible()
    return found


def test_the_year_before_stands_beside_with_no_percentage_from_zero(page: Page) -> None:
    found = panel(page, "So với cùng kỳ năm trước")
    row = found.get_by_role("row").filter(has_text="tin, bài, CSDL")
    expect(row).to_contain_text("+")
    expect(row.locator("td").last).to_have_text("–")
    expect(found).to_contain_text("Hỏi - Đáp: Ít câu hỏi")
    expect(found).to_contain_text("Cùng khối lượng")
    expect(found).to_contain_text("giả định")


def test_the_total_stands_in_the_columns_of_the_year_before_and_none_is_cut_off(page: Page) -> None:
    page.set_viewport_size({"width": 1400, "height": 900})
    found = panel(page, "So với cùng kỳ năm trước")
    head, total = found.locator("thead tr > *"), found.locator("tr.total > *")
    expect(head).to_have_count(5)
    expect(total).to_have_count(5)
    for column in range(5):
        above, below = head.nth(column).bounding_box(), total.nth(column).bounding_box()
        assert above is not None
        assert below is not None
        assert abs(above["x"] - below["x"]) < 1
    assert found.locator(".scroll").evaluate("table => table.scrollWidth <= table.clientWidth")


def test_the_forecast_says_what_to_do_and_what_it_is_worth(page: Page) -> None:
    found = panel(page, "Còn có thể đạt thêm")
    expect(found.locator("ol.ways > li").first).to_contain_text("+")
    expect(found.get_by_text("Đăng").first).to_be_visible()


def test_self_assessed_computed_and_verified_stand_side_by_side(page: Page, newsroom: Newsroom) -> None:
    told = {"agency": AGENCY, "period": this_quarter(), "criterion": "regularity"}
    for by, points in (("Sở Y tế", "15"), ("Hội đồng thẩm định", "11.25")):
        judged = {**told, "points": points, "assessed_by": by, "assessed_at": iso(now())}
        newsroom.send(("assessment.recorded", judged))
    newsroom.system.settle()
    row = panel(page, "Điểm do người chấm").get_by_role("row").filter(has_text="Đăng tin thường xuyên")
    expect(row.locator("td").nth(0)).to_have_text("15")
    expect(row.locator("td").nth(2)).to_have_text("11,25")
    row.locator("summary").click()
    expect(row).to_contain_text("Hội đồng thẩm định")


def test_a_corrected_article_shows_both_versions(page: Page, newsroom: Newsroom) -> None:
    (sent,) = newsroom.articles(AGENCY, 1)
    name = sent["data"]["article_id"]
    corrected = {"article_id": name, "agency": AGENCY, "title": "Tên đã sửa", "corrected_at": iso(now())}
    newsroom.send(("article.corrected", corrected))
    newsroom.system.settle()
    page.goto(f"/agency/{AGENCY}")
    page.get_by_role("button", name="Bằng chứng của tiêu chí Số lượng tin, bài").click()
    sheet = page.get_by_role("dialog")
    entity = sheet.locator("details.entity").filter(has_text=name)
    for _ in range(20):
        expect(sheet.locator(".sheet-head")).to_be_visible()
        if entity.count():
            break
        sheet.get_by_role("button", name="Trang sau").click()
    entity.locator("summary").first.click()
    expect(entity).to_contain_text("đính chính")
    expect(entity).to_contain_text(f"{sent['data']['title']} → Tên đã sửa")
