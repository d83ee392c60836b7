import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.plain_text import plain


@given(st.text(max_size=200))
def test_whatever_comes_in_printable_ascii_comes_out(text: str) -> None:
    out = plain(text)
    assert out.isascii()
    assert out.isprintable()
    assert plain(out) == out


def test_every_letter_of_vietnamese_keeps_its_base() -> None:
    typed = "Đường Trần Hưng Đạo, phường Tân Xuyên: số 12/3 ưỡ ằẳẵặ ỹỷỵ"
    due = "Duong Tran Hung Dao, phuong Tan Xuyen: so 12/3 uo aaaa yyy"
    assert plain(unicodedata.normalize("NFC", typed)) == due
    assert plain(unicodedata.normalize("NFD", typed)) == due


def test_lines_become_one_line() -> None:
    assert plain("a\r\nb\tc\x00d") == "a b c d"
