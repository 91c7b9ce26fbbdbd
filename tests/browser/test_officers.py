"""What only officers may do: the cut-off, the close, repairing what was refused, webhooks."""

import re
from datetime import timedelta
from pathlib import Path

import httpx
from docx import Document
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SignIn
from tests.browser.office import PASSWORD, Dashboard, Newsroom, now, running_dashboard, this_quarter, today


def test_a_wrong_password_is_refused_in_words(page: Page) -> None:
    page.goto("/sign-in")
    page.get_by_label("Tên tài khoản").fill("an")
    page.get_by_label("Mật khẩu").fill("không phải mật khẩu này")
    page.get_by_role("main").get_by_role("button", name="Đăng nhập").click()
    expect(page.get_by_role("alert").filter(has_text="không đúng")).to_be_visible()


def test_nobody_acts_without_signing_in(page: Page, dashboard: Dashboard) -> None:
    page.goto("/period")
    expect(page.get_by_text("Đăng nhập với quyền cán bộ")).to_be_visible()
    expect(page.locator("#closing")).to_have_count(0)
    for path, form in (
        ("/actions/vi/period", {"period": this_quarter(), "action": "close", "reason": "x"}),
        ("/actions/vi/cut-off", {"period": this_quarter(), "last_day": ""}),
        ("/fragments/vi/rejection/content/1/settle", {"action": "drop"}),
        ("/actions/vi/webhook", {"name": "x", "action": "off"}),
    ):
        assert httpx.post(dashboard.url + path, data=form).status_code == 401


def test_a_page_of_another_site_cannot_act_for_an_officer(dashboard: Dashboard) -> None:
    with httpx.Client(base_url=dashboard.url) as client:
        client.post("/session", data={"name": "an", "password": PASSWORD, "next": "/"})
        answer = client.post(
            "/actions/vi/cut-off", data={"period": this_quarter()}, headers={"origin": "https://elsewhere.vn"}
        )
    assert answer.status_code == 403


def test_an_officer_sets_the_cut_off_and_everybody_sees_it(page: Page, sign_in: SignIn) -> None:
    sign_in(page, "an")
    page.goto("/period")
    day = page.get_by_label("Số liệu tính đến hết ngày")
    whole = day.get_attribute("max") or ""
    day.fill(today().isoformat())
    page.get_by_role("button", name="Đặt").click()
    expect(page.get_by_text("Đã đặt ngày tính số liệu.")).to_be_visible()
    expect(page.get_by_text(f"số liệu tính đến hết {today():%d/%m/%Y}")).to_be_visible()
    page.get_by_label("Số liệu tính đến hết ngày").fill(whole)
    page.get_by_role("button", name="Đặt").click()
    expect(page.get_by_text(re.compile("số liệu tính đến hết"))).to_have_count(0)


def test_the_checks_name_what_is_missing(page: Page) -> None:
    page.goto("/period")
    expect(page.get_by_text("Mọi dịch vụ đã xử lý xong")).to_be_visible()
    page.locator("#unsent-list summary").click()
    expect(page.locator("#unsent-list").get_by_role("link", name="Sở Y tế")).to_be_visible()
    expect(page.get_by_text("Cổng không có tin trong kỳ")).to_be_visible()
    expect(page.locator("summary").filter(has_text="Thành phố Lào Cai")).to_be_visible()


def publish_long_ago(newsroom: Newsroom, agency: str, day: str) -> None:
    """An article in a quarter of long ago, which no other test looks at."""
    name = f"cu-{now():%f}"
    newsroom.send(("article.published", {
        "article_id": name, "agency": agency, "title": f"Tin cũ {name}", "url": f"https://x.vn/{name}",
        "kind": "news", "published_at": f"{day}T09:00:00+07:00",
    }))  # fmt: skip
    newsroom.system.settle()


def sign_in_again(page: Page, sign_in: SignIn, name: str, period: str) -> None:
    """Another officer at the same screen, on the page of the period."""
    page.get_by_role("button", name="Đăng xuất").click()
    sign_in(page, name)
    page.goto(f"/period?period={period}")


def propose_to_close(page: Page, period: str) -> None:
    page.goto(f"/period?period={period}")
    page.locator("#closing > summary").click()
    page.locator("#closing").get_by_label("Căn cứ, lý do").fill("Báo cáo quý đã được ký")
    page.get_by_role("button", name="Đề nghị chốt").click()
    expect(page.get_by_text("Đã đề nghị chốt kỳ")).to_be_visible()


def decide(page: Page, agency: str, reason: str, button: str) -> None:
    """Tick what came late from an agency, say why, and press."""
    expect(page.get_by_role("row").filter(has_text=agency)).to_contain_text("chờ quyết định")
    page.get_by_role("checkbox", name=agency).check()
    form = page.locator("form").filter(has=page.get_by_role("checkbox", name=agency))
    form.get_by_label("Căn cứ, lý do").fill(reason)
    form.get_by_role("button", name=button).click()


def test_two_officers_close_a_period_and_its_seal_holds(
    page: Page, sign_in: SignIn, newsroom: Newsroom
) -> None:
    publish_long_ago(newsroom, "so-y-te", "2022-08-15")
    sign_in(page, "an")
    propose_to_close(page, "2022-Q3")
    expect(page.get_by_text("Cần một cán bộ khác xác nhận.")).to_be_visible()
    expect(page.get_by_role("button", name="Xác nhận")).to_have_count(0)
    sign_in_again(page, sign_in, "binh", "2022-Q3")
    page.get_by_role("button", name="Xác nhận").click()
    expect(page.get_by_role("heading", name="Dấu niêm (SHA-256)")).to_be_visible()
    expect(page.locator("code.seal")).to_have_text(re.compile(r"^[0-9a-f]{64}$"))
    # One of the checks reads the bus, where the seal arrives a moment later.
    newsroom.system.settle()
    page.get_by_role("button", name="Kiểm tra dấu niêm").click()
    expect(page.get_by_role("dialog").get_by_role("status")).to_contain_text("Dấu niêm đúng.")
    expect(page.get_by_role("dialog")).to_contain_text("Đếm lại ra đúng số liệu")
    periods = newsroom.system.get("scoring", "/v1/periods")["periods"]
    assert next(one for one in periods if one["period"] == "2022-Q3")["confirmed_by"] == "binh"


def test_what_came_late_counts_when_two_officers_say_so(
    page: Page, sign_in: SignIn, newsroom: Newsroom
) -> None:
    publish_long_ago(newsroom, "so-y-te", "2022-05-16")
    sign_in(page, "an")
    propose_to_close(page, "2022-Q2")
    sign_in_again(page, sign_in, "binh", "2022-Q2")
    page.get_by_role("button", name="Xác nhận").click()
    seal = page.locator("code.seal")
    expect(seal).to_have_text(re.compile(r"^[0-9a-f]{64}$"))
    before = seal.inner_text()

    publish_long_ago(newsroom, "so-y-te", "2022-05-17")
    publish_long_ago(newsroom, "so-tu-phap", "2022-05-17")
    sign_in_again(page, sign_in, "an", "2022-Q2")
    decide(page, "Sở Y tế", "Bài gửi muộn hai năm", "Không tính các mục đã chọn")
    expect(page.get_by_role("row").filter(has_text="Sở Y tế")).to_contain_text("không tính")
    decide(page, "Sở Tư pháp", "Tin có thật, gửi muộn do mất điện", "Đề nghị tính các mục đã chọn")
    expect(page.get_by_text("Đã đề nghị tính các điều chỉnh")).to_be_visible()
    expect(page.get_by_role("button", name="Xác nhận")).to_have_count(0)
    expect(seal).to_have_text(before)

    sign_in_again(page, sign_in, "binh", "2022-Q2")
    page.get_by_role("button", name="Xác nhận").click()
    expect(page.get_by_role("row").filter(has_text="Sở Tư pháp")).to_contain_text("được tính")
    expect(seal).to_have_text(re.compile(r"^[0-9a-f]{64}$"))
    assert seal.inner_text() != before


def test_an_officer_makes_the_report_and_takes_it_home(
    page: Page, sign_in: SignIn, newsroom: Newsroom, dashboard: Dashboard, tmp_path: Path
) -> None:
    name, where = f"BAO-CAO-{this_quarter()}.docx", f"/period?period={this_quarter()}&to=full"
    assert httpx.get(f"{dashboard.url}/documents/{this_quarter()}/full/{name}").status_code == 401
    assert httpx.post(f"{dashboard.url}/actions/vi/report", data={"period": "2024-Q1"}).status_code == 401
    page.goto(where)
    expect(page.get_by_text("Cán bộ đăng nhập thì lập và tải được báo cáo.")).to_be_visible()
    sign_in(page, "an")
    page.goto(where)
    page.get_by_role("button", name="Lập báo cáo").click()
    link = page.get_by_role("link", name=name)
    expect(link).to_be_visible(timeout=200_000)
    with page.expect_download() as kept:
        link.click()
    file = tmp_path / name
    kept.value.save_as(file)
    words = "\n".join(one.text for one in Document(str(file)).paragraphs)
    assert "BÁO CÁO" in words
    page.get_by_label("Bản Word đã sửa").set_input_files({
        "name": "khac.docx", "mimeType": "application/octet-stream", "buffer": b"no document"
    })  # fmt: skip
    page.get_by_role("button", name="Lập lại với số liệu mới").click()
    expect(page.get_by_text("Tệp này không dùng được")).to_be_visible()
    page.get_by_label("Bản Word đã sửa").set_input_files(file)
    page.get_by_role("button", name="Lập lại với số liệu mới").click()
    expect(page.get_by_text("Đang lập báo cáo; các tệp sẽ hiện")).to_be_visible()
    expect(page.get_by_role("button", name="Lập lại với số liệu mới")).to_be_visible(timeout=200_000)
    expect(page.get_by_role("alert").filter(has_text="Chưa lập được")).to_have_count(0)


def test_what_was_refused_is_repaired_and_sent_again(page: Page, sign_in: SignIn, newsroom: Newsroom) -> None:
    event = newsroom.refused("so-tu-phap")
    sign_in(page, "an")
    page.goto("/operations")
    row = page.get_by_role("row").filter(has_text=event["id"])
    expect(row).to_contain_text("sai cấu trúc")
    row.get_by_role("button", name="Xem").click()
    sheet = page.get_by_role("dialog")
    expect(sheet.locator("pre.original")).to_contain_text(event["id"])
    expect(sheet).to_contain_text("Sửa các trường nêu dưới đây")
    editor = sheet.get_by_label("Nội dung đã sửa (JSON)")
    editor.fill("{ không phải JSON")
    sheet.get_by_role("button", name="Gửi bản đã sửa").click()
    expect(sheet.get_by_role("alert")).to_contain_text("JSON")
    editor = sheet.get_by_label("Nội dung đã sửa (JSON)")
    editor.fill(editor.input_value().replace('"url":', '"title": "Tin đã sửa", "url":'))
    sheet.get_by_role("button", name="Gửi bản đã sửa").click()
    expect(sheet.get_by_role("status")).to_contain_text("đã được tiếp nhận")
    fact = newsroom.system.get("content", "/v1/facts", source=event["source"], id=event["id"])
    assert fact["event"]["data"]["title"] == "Tin đã sửa"


def test_operations_show_every_service_and_who_sends(page: Page) -> None:
    page.goto("/operations")
    for service in ("content", "qa", "dossier", "scoring"):
        expect(page.locator(f'[data-service="{service}"]')).to_have_attribute("data-state", "ready")
    expect(page.get_by_role("rowheader", name="trinh-duyet")).to_be_visible()


def test_who_was_not_heard_from_for_a_week_is_called_silent(
    browser: Browser, dashboard: Dashboard, newsroom: Newsroom, tmp_path: Path
) -> None:
    clock = tmp_path / "report.clock"
    clock.write_text(str(timedelta(days=8).total_seconds()), encoding="ascii")
    stepped = {"BUS_FAULTS": "1", "BUS_FAILPOINTS": str(tmp_path)}
    with running_dashboard(dashboard.system, tmp_path, **stepped) as ahead:
        page = browser.new_page(base_url=ahead.url, locale="vi-VN")
        page.goto("/operations")
        heard = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="trinh-duyet"))
        expect(heard).to_contain_text("im lặng")
        clock.unlink()
        page.reload()
        expect(heard).to_be_visible()
        expect(heard.get_by_text("im lặng")).to_have_count(0)
        page.close()


def test_an_administrator_subscribes_and_the_page_shows_it(
    page: Page, sign_in: SignIn, dashboard: Dashboard
) -> None:
    with httpx.Client(base_url=dashboard.url) as client:
        wanted = {"name": f"he-thong-{now():%f}", "url": "http://127.0.0.1:9/nhan"}
        client.post("/session", data={"name": "an", "password": PASSWORD, "next": "/"})
        assert client.post("/v1/webhooks", json=wanted).status_code == 403
        client.post("/session", data={"name": "binh", "password": PASSWORD, "next": "/"})
        made = client.post("/v1/webhooks", json=wanted)
        assert made.status_code == 201
        assert made.json()["key"].startswith("whsec_")
    sign_in(page, "an")
    page.goto("/operations")
    row = page.get_by_role("row").filter(has_text=wanted["name"])
    row.get_by_role("button", name="Tắt").click()
    expect(page.get_by_role("row").filter(has_text=wanted["name"])).to_contain_text("đã tắt")


def test_a_closed_dashboard_asks_every_reader_to_sign_in(
    browser: Browser, dashboard: Dashboard, newsroom: Newsroom
) -> None:
    with running_dashboard(dashboard.system, dashboard.log.parent, BUS_READING="closed") as closed:
        assert httpx.get(f"{closed.url}/work", headers={"accept": "application/json"}).status_code == 401
        assert httpx.get(f"{closed.url}/livez").is_success
        page = browser.new_page(base_url=closed.url)
        page.goto("/work")
        page.get_by_label("Tên tài khoản").fill("an")
        page.get_by_label("Mật khẩu").fill(PASSWORD)
        page.get_by_role("main").get_by_role("button", name="Đăng nhập").click()
        expect(page.get_by_role("heading", name="Theo cơ quan")).to_be_visible()
        page.close()
