import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.folding import plain_words, printable, without_marks

VIETNAMESE = "Đường Nguyễn Huệ, phường Ắc Quy: tiền điện đợt ừ ữ ự"


def test_vietnamese_loses_its_marks_and_nothing_else() -> None:
    assert without_marks(VIETNAMESE) == "Duong Nguyen Hue, phuong Ac Quy: tien dien dot u u u"


def test_composed_and_decomposed_letters_fold_alike() -> None:
    assert without_marks(unicodedata.normalize("NFD", VIETNAMESE)) == without_marks(VIETNAMESE)


@given(st.text())
def test_plain_words_are_what_a_bank_carries(text: str) -> None:
    folded = plain_words(text)
    assert folded.isascii()
    assert "  " not in folded
    assert plain_words(folded) == folded


@given(st.text())
def test_printable_text_is_ascii_and_folds_once_only(text: str) -> None:
    folded = printable(text)
    assert all(" " <= sign <= "~" for sign in folded)
    assert printable(folded) == folded
