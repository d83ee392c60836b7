from gateway.domain.ledger import AccountKind, TransferKind, account_code


def test_accounts_of_one_owner_but_another_kind_are_two() -> None:
    assert account_code(AccountKind.PAYABLE, "evnspc-camau") != account_code(
        AccountKind.RECEIVABLE, "evnspc-camau"
    )


def test_an_account_is_named_by_what_it_holds_and_for_whom() -> None:
    assert account_code(AccountKind.RECEIVABLE, "bank") == "receivable:bank"


def test_each_reason_for_which_money_moves_is_a_kind_of_its_own() -> None:
    assert {str(kind) for kind in TransferKind} == {
        *("payment", "reversal", "late_payment", "credit", "recognised", "deposit", "cash_return"),
    }


def test_money_of_payers_that_pays_no_bill_is_kept_apart_from_what_billers_are_owed() -> None:
    assert {str(kind) for kind in AccountKind} == {
        *("receivable", "payable", "suspense", "cash", "bank"),
    }
    assert account_code(AccountKind.SUSPENSE, "payer") == "suspense:payer"
