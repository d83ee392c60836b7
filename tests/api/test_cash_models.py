"""What the routes of the cash phase-out take and show."""

from datetime import date

import pytest
from pydantic import ValidationError

from gateway.api.cash_models import CashPayerQuery, payer_out, schedule_out
from gateway.domain.cash_phase_out import Schedule, Stage
from gateway.store.outreach import CashPayer

PAYER = CashPayer(
    "PB14010000001",
    "Nguyễn Văn Án",
    "12 Nguyễn Trãi, Phường 5",
    "household",
    date(2026, 11, 2),
    "home_cash",
    "0912345678",
    "consent",
    has_opted_out=False,
)


def test_a_cash_payer_is_shown_without_full_name_street_or_phone() -> None:
    shown = payer_out(PAYER).model_dump_json()
    assert not [part for part in ("Nguyễn", "12 ", "0912345") if part in shown]
    assert '"phone":"*******678"' in shown


def test_a_schedule_is_shown_at_its_stage_of_the_day_asked() -> None:
    plan = Schedule("32008", date(2026, 10, 1), date(2026, 12, 1), date(2027, 3, 1), 10, 2, 50)
    assert schedule_out(plan, date(2026, 12, 1)).stage is Stage.WITHOUT_PHONE
    assert schedule_out(plan, date(2027, 3, 1)).stage is Stage.ENDED


def test_no_list_but_all_and_the_relapsed_can_be_asked_for() -> None:
    assert CashPayerQuery(area="32008").only is None
    with pytest.raises(ValidationError):
        CashPayerQuery(area="32008", only="everybody")
