"""SOAP as WCF speaks it, whatever provider uses it."""

import pytest
from defusedxml.ElementTree import fromstring

from gateway.kit.messages import Reply, Unreadable
from gateway.kit.soap import ARRAYS, array, envelope, named, result_of, rows_of, text_of, texts

OURS = "urn:ours"


def a_reply(result: str, status: int = 200) -> Reply:
    whole = envelope(OURS, "AskResponse", f"<AskResult>{result}</AskResult>")
    return Reply(status, whole)


def test_what_is_written_is_read_back_whatever_its_characters() -> None:
    fields = texts(A="1 < 2 & 3", B="Điện") + array("C", "string", ["]]>", "x"])
    request = fromstring(envelope(OURS, "Ask", fields))[0][0]
    assert request.tag == f"{{{OURS}}}Ask"
    assert (text_of(request, "A"), text_of(request, "B")) == ("1 < 2 & 3", "Điện")
    assert [(i.tag, i.text) for i in request[2]] == [
        (f"{{{ARRAYS}}}string", "]]>"),
        (f"{{{ARRAYS}}}string", "x"),
    ]


def test_an_absent_child_and_an_empty_one_are_both_no_text() -> None:
    result = result_of(a_reply("<A/>"), OURS, "Ask")
    assert (text_of(result, "A"), text_of(result, "B")) == ("", "")


def test_rows_are_read_wherever_their_table_stands() -> None:
    rows = "<DocumentElement><t><a>1</a><B> x </B></t><t><a>2</a></t></DocumentElement>"
    for within in (rows, f"<d><e>{rows}</e></d>"):
        found = rows_of(result_of(a_reply(within), OURS, "Ask"))
        assert found == [{"A": "1", "B": "x"}, {"A": "2"}]


def test_an_empty_result_has_no_rows_and_a_word_is_no_table() -> None:
    assert rows_of(result_of(a_reply(""), OURS, "Ask")) == []
    with pytest.raises(Unreadable):
        rows_of(result_of(a_reply("busy"), OURS, "Ask"))


def test_xml_within_a_text_is_the_result() -> None:
    result = result_of(a_reply("&lt;R&gt;&lt;A&gt;1&lt;/A&gt;&lt;/R&gt;"), OURS, "Ask")
    assert (text_of(result, "A"), len(named(result, "A"))) == ("1", 1)


@pytest.mark.parametrize(
    "reply",
    [
        a_reply("", status=404),
        a_reply("&lt;R&gt;"),
        Reply(200, envelope(OURS, "AskResponse", "")),
        Reply(200, envelope("urn:another", "AskResponse", "<AskResult/>")),
        Reply(200, b"\xff\xfe"),
    ],
    ids=["status", "broken_text", "no_result", "another_service", "no_xml"],
)
def test_what_is_not_this_operations_answer_is_unreadable(reply: Reply) -> None:
    with pytest.raises(Unreadable):
        result_of(reply, OURS, "Ask")
