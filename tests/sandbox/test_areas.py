from gateway.sandbox.areas import AREAS, MERGED_ON, PILOT_WARDS, WARDS_2019, WEIGHTS


def test_the_city_of_2019_has_17_wards_and_communes_with_a_successor_each() -> None:
    old = [area for area in AREAS if area.valid_to is not None and area.kind in {"ward", "commune"}]
    new = {area.code for area in AREAS if area.valid_from == MERGED_ON}
    assert len(old) == len(WARDS_2019) == len(WEIGHTS) == 17
    assert {area.successor_code for area in old} == new


def test_a_code_names_another_unit_after_2025() -> None:
    named = {area.name for area in AREAS if area.code == "32002"}
    assert named == {"Phường 4", "Phường An Xuyên"}


def test_the_pilot_is_wards_2_and_5() -> None:
    assert [dict(WARDS_2019)[code] for code in PILOT_WARDS] == ["Phường 2", "Phường 5"]
