from gateway.domain.ledger import AccountKind, TransferKind, account_code


def test_accounts_of_one_owner_but_another_kind_are_two() -> None:
    assert account_code(AccountKind.PAYABLE, "evnspc-camau") != account_code(
        AccountKind.RECEIVABLE, "evnspc-camau"
    )


def test_an_account_is_named_by_what_it_holds_and_for_whom() -> None:
    assert account_code(AccountKind.RECEIVABLE, "bank") == "receivable:bank"


def test_a_payment_and_its_reversal_are_two_moves_of_one_source() -> None:
    assert {str(kind) for kind in TransferKind} == {"payment", "reversal"}
