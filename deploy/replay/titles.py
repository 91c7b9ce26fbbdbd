"""Words for what is published: categories and titles after the report's own list of topics."""

import zlib

PROVINCE = "cong-ttdt-tinh"
"""The provincial portal."""

FREE_CATEGORIES = (
    "news-events",
    "party-building",
    "culture-tourism",
    "security-defence",
    "rural-development",
)
"""Categories that no decree requires."""

TOPICS = (
    "Tổng kết công tác năm 2023 và triển khai nhiệm vụ năm 2024",
    "Thăm hỏi, tặng quà Tết Nguyên đán Giáp Thìn",
    "Lễ ra quân trồng cây và xây dựng nông thôn mới",
    "Lễ giao nhận quân năm 2024",
    "Triển khai nhiệm vụ ngay sau kỳ nghỉ Tết",
    "Phòng chống rét đậm, rét hại cho cây trồng, vật nuôi",
    "Chữa cháy rừng tại Vườn Quốc gia Hoàng Liên",
    "Thực hiện các chương trình mục tiêu quốc gia",
    "Bảo đảm trật tự an toàn giao thông",
    "Chuyển đổi số và an ninh mạng",
    "Kỷ niệm 94 năm Ngày thành lập Đảng Cộng sản Việt Nam",
    "Kỷ niệm Ngày Thầy thuốc Việt Nam 27/2",
    "Kỷ niệm 77 năm Ngày thành lập Đảng bộ tỉnh Lào Cai",
    "Kỷ niệm Ngày Quốc tế Phụ nữ 08/3",
    "Giao lưu văn nghệ, hợp tác kinh tế với tỉnh Vân Nam",
    "Tiếp và làm việc với các bộ, ban, ngành Trung ương",
    "Công bố quyết định điều động, bổ nhiệm cán bộ",
    "Ban hành bảng giá đất và thi hành Luật Đất đai",
    "Tuyển sinh trung học phổ thông năm học 2024 - 2025",
    "Dự báo thời tiết và cảnh báo cháy rừng",
)
DATASETS = (
    "Văn bản chỉ đạo điều hành",
    "Quyết định công bố danh mục thủ tục hành chính",
    "Kế hoạch triển khai nhiệm vụ",
    "Danh mục dự án đầu tư công",
    "Số liệu thống kê định kỳ",
)


def title_of(number: str, kind: str) -> str:
    """A title that follows from the article's number, so that it is the same in every run."""
    topics = DATASETS if kind == "dataset" else TOPICS
    topic = topics[zlib.crc32(number.encode()) % len(topics)]
    words = {"spokesperson": "Thông cáo báo chí: ", "press_digest": "Điểm báo: ", "dataset": "", "news": ""}
    return f"{words[kind]}{topic} ({number[-5:]})"
