"""Words of which the pilot's people, shops, streets and agencies are made. Nobody here exists."""

from random import Random


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


# About three in ten Vietnamese are called Nguyễn: a name stands here as often as it is met.
FAMILY = (
    *(*("Nguyễn",) * 12, *("Trần",) * 5, *("Lê",) * 4, *("Phạm",) * 3, *("Huỳnh",) * 3),
    *_words("Phan|Võ|Đặng|Bùi|Đỗ|Hồ|Ngô|Dương|Lý|Trương|Châu|Lâm|Mai|Quách|Tạ|Thạch"),
)
MEN = (
    _words("Văn|Văn|Văn|Hữu|Minh|Hoàng|Quốc|Đức|Chí|Công|Trọng|Thanh"),
    _words(
        "An|Bình|Dũng|Hải|Hiếu|Hùng|Khánh|Long|Nam|Phát|Phúc|Quân|Sơn|Tâm|Thắng|Trí|Tú|Tuấn|Vinh|"
        "Nghĩa|Lộc|Kiệt|Đạt|Khải"
    ),
)
WOMEN = (
    _words("Thị|Thị|Thị|Ngọc|Kim|Thùy|Mỹ|Bích|Hồng|Xuân|Thanh|Cẩm"),
    _words(
        "Chi|Giang|Hà|Hạnh|Hoa|Hương|Lan|Linh|Mai|Ngân|Nhung|Quyên|Thảo|Trang|Uyên|Vân|Yến|"
        "Diễm|Tuyền|Nhi|Loan|Thu|Phượng|Duyên"
    ),
)
STREETS = _words(
    "Nguyễn Trãi|Phan Ngọc Hiển|Lý Thường Kiệt|Trần Hưng Đạo|Ngô Quyền|Hùng Vương|"
    "Nguyễn Tất Thành|Phan Bội Châu|Lý Bôn|Đề Thám|Lâm Thành Mậu|Quang Trung|"
    "Nguyễn Công Trứ|Tôn Đức Thắng|Lê Lợi|Lý Văn Lâm|Bùi Thị Trường|Nguyễn Ngọc Sanh"
)
TRADES = _words(
    "Quán ăn|Tạp hóa|Nhà thuốc|Tiệm vàng|Khách sạn|Cửa hàng vật liệu xây dựng|Trại tôm giống|"
    "Công ty TNHH Thủy sản|Cà phê"
)
SHOP_NAMES = _words(
    "Hoa Mai|Kim Ngân|Ngọc Lan|Quốc Hùng|Thanh Bình|Phương Nam|Minh Hải|Đất Mũi|Năm Căn|"
    "Tân Thành|Bảy Hùng|Cô Ba|Út Phượng|Hồng Phát|Thuận Lợi|Sông Đốc|Hải Yến|Phú Quý"
)
AGENCIES = _words(
    "Sở Công Thương|Sở Tài chính|Sở Y tế|Sở Nội vụ|Sở Giáo dục và Đào tạo|"
    "Bệnh viện Đa khoa Cà Mau|UBND Phường 5|UBND Phường 2|UBND thành phố Cà Mau|"
    "Trường THPT Chuyên Phan Ngọc Hiển|Trường Tiểu học Nguyễn Tạo|Kho bạc Nhà nước Cà Mau|"
    "Liên đoàn Lao động tỉnh|Trung tâm Giải quyết thủ tục hành chính|Báo Cà Mau"
)


def pick(random: Random, words: tuple[str, ...]) -> str:
    """Give one of some words; of a generator only `random()` is promised alike by every Python."""
    return words[int(random.random() * len(words))]


def person(random: Random) -> str:
    """Make up a person's name, in NFC."""
    middle, given = WOMEN if random.random() < 0.5 else MEN  # noqa: PLR2004 (half and half)
    return f"{pick(random, FAMILY)} {pick(random, middle)} {pick(random, given)}"


def shop(random: Random) -> str:
    """Make up a business's name, in NFC."""
    return f"{pick(random, TRADES)} {pick(random, SHOP_NAMES)}"
