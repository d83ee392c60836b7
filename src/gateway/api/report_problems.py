"""The codes of reports; `problem_table.py` joins them to the others."""

from gateway.api.problem_entry import Entry

REPORT_TABLE: dict[str, Entry] = {
    "pilot_unknown": Entry(
        404,
        "No such pilot",
        "Không có chương trình thí điểm này",
        "The biller has no pilot of this code.",
        "Đơn vị không có chương trình thí điểm mang mã này.",
    ),
    "nothing_to_export": Entry(
        404,
        "Nothing counted",
        "Chưa có số liệu",
        "No bills of this month stand in the pilot's areas, or no month is complete yet.",
        "Tháng này chưa có hóa đơn trong địa bàn thí điểm, hoặc chưa có tháng nào trọn.",
    ),
}
