import re

from gateway.sandbox.billing_page import POLICY, STYLE, Receipt, render

EVIL = "<script>alert('x')</script>\"&"
COUNTS: dict[str, str | int] = {"webhooks": 7, "entries": 9, "cleared_bills": 5}


def a_receipt(text: str) -> Receipt:
    return Receipt(1_764_000_000.0, text, text, "refused", text)


def test_what_a_stranger_sent_is_shown_escaped() -> None:
    page = render([a_receipt(EVIL)], COUNTS)
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;&quot;&amp;") == 3


def test_the_page_obeys_its_own_policy() -> None:
    page = render([a_receipt("evt_1")], COUNTS)
    assert not re.search(r"style=|<style|<script| on\w+=|javascript:|https?://", page)
    assert "'unsafe" not in POLICY["content-security-policy"]
    assert "default-src 'none'" in POLICY["content-security-policy"]
    assert "url(" not in STYLE


def test_times_are_vietnamese() -> None:
    assert "23:00:00 24/11/2025" in render([a_receipt("evt_1")], COUNTS)


def test_a_long_text_is_cut() -> None:
    assert "a" * 81 not in render([a_receipt("a" * 5000)], COUNTS)


def test_the_counts_are_shown() -> None:
    page = render([], COUNTS)
    assert "<strong>7</strong>" in page
    assert "<strong>5</strong>" in page
