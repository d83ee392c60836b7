from datetime import date

import pytest

from gateway.domain.errors import InvariantBroken
from gateway.domain.tariff import BUSINESS, RESIDENTIAL, charge, vat_percent

OCTOBER_2026 = date(2026, 10, 1)


@pytest.mark.parametrize(
    ("kwh", "net_dong"),
    [
        (0, 0),
        (1, 1_984),
        (50, 50 * 1_984),
        (51, 50 * 1_984 + 2_050),
        (100, 50 * 1_984 + 50 * 2_050),
        (101, 50 * 1_984 + 50 * 2_050 + 2_380),
        (400, 50 * (1_984 + 2_050) + 100 * (2_380 + 2_998 + 3_350)),
        (401, 50 * (1_984 + 2_050) + 100 * (2_380 + 2_998 + 3_350) + 3_460),
    ],
)
def test_each_step_of_consumption_has_its_own_price(kwh: int, net_dong: int) -> None:
    assert charge(kwh, OCTOBER_2026).net_dong == net_dong


def test_a_business_pays_one_price() -> None:
    assert charge(1_000, OCTOBER_2026, is_business=True).net_dong == 3_152_000


@pytest.mark.parametrize(
    ("period", "first_step"),
    [
        (date(2018, 1, 1), 1_678),
        (date(2020, 1, 1), 1_678),
        (date(2023, 5, 1), 1_678),
        (date(2023, 6, 1), 1_728),
        (date(2024, 1, 1), 1_806),
        (date(2025, 1, 1), 1_893),
        (date(2025, 6, 1), 1_984),
    ],
)
def test_a_month_is_priced_by_the_table_in_force_on_its_first_day(
    period: date, first_step: int
) -> None:
    assert charge(1, period).net_dong == first_step


@pytest.mark.parametrize(
    ("period", "percent"),
    [
        (date(2022, 1, 1), 10),
        (date(2022, 2, 1), 8),
        (date(2023, 1, 1), 10),
        (date(2023, 7, 1), 8),
        (date(2026, 12, 1), 8),
        (date(2027, 1, 1), 10),
    ],
)
def test_vat_is_lower_only_while_its_decree_lasts(period: date, percent: int) -> None:
    assert vat_percent(period) == percent


def test_vat_is_rounded_to_the_nearest_dong_and_half_goes_up() -> None:
    assert charge(50, date(2023, 1, 1)).vat_dong == 8_390  # 83,900 at 10 %
    assert charge(1, OCTOBER_2026).vat_dong == 159  # 158.72
    assert charge(3, OCTOBER_2026).vat_dong == 476  # 476.16
    assert charge(405, date(2019, 6, 1)).vat_dong == 92_364  # 92,363.5
    assert charge(1, date(2019, 6, 1)).vat_dong == 168  # 167.8


def test_the_total_is_what_net_and_vat_add_up_to() -> None:
    priced = charge(143, OCTOBER_2026)
    assert priced.total_dong == priced.net_dong + priced.vat_dong == 328_363


@pytest.mark.parametrize("period", [date(2019, 6, 1), date(2026, 10, 1)])
def test_another_kilowatt_hour_never_costs_less(period: date) -> None:
    totals = [charge(kwh, period).total_dong for kwh in range(600)]
    assert totals == sorted(set(totals))


def test_both_tables_change_on_the_same_days_and_only_upwards() -> None:
    assert [since for since, _ in RESIDENTIAL] == [since for since, _ in BUSINESS]
    assert list(RESIDENTIAL) == sorted(RESIDENTIAL)
    assert list(BUSINESS) == sorted(BUSINESS)
    for _, prices in RESIDENTIAL:
        assert prices == tuple(sorted(prices))


def test_consumption_below_zero_is_our_own_mistake() -> None:
    with pytest.raises(InvariantBroken):
        charge(-1, OCTOBER_2026)
