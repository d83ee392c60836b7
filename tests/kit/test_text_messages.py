from gateway.kit.text_messages import TextIn, TextOut


def test_no_text_and_no_telephone_stands_where_a_message_is_shown() -> None:
    shown = f"{TextIn('1', '84912345678', '8149', 'VBA XN 123456')!r}"
    shown += f"{TextOut('2', '84912345678', 'Soan VBA XN 123456')!r}"
    assert "123456" not in shown
    assert "84912345678" not in shown
