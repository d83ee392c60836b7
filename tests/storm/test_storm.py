"""A storm: providers that lie, processes that die, a server that stops; nothing is guessed."""

from pathlib import Path

import pytest

from tests.storm.weather import rage


@pytest.mark.timeout(400)
async def test_a_storm_ends_with_every_payment_proved(tmp_path: Path) -> None:
    figures = await rage(tmp_path, seed=2019, payments=60)
    assert figures["charged"] > 0
    assert figures["wrong_resolutions"] == 0


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_a_long_storm_ends_with_every_payment_proved(tmp_path: Path) -> None:
    assert (await rage(tmp_path, seed=2026, payments=2000))["wrong_resolutions"] == 0
