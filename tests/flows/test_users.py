"""Users as an administrator makes them."""

import pytest

from gateway.domain.user import PasswordTooWeak, Role, SignInRefused, Stage
from gateway.flows import sign_in, users
from gateway.runtime import Runtime
from gateway.store import database, upkeep

HERE = "192.0.2.7"


async def test_a_first_password_is_made_and_opens(rt: Runtime) -> None:
    chosen = await users.add(rt, "dung.nt", Role.VIEWER, [], password=None, actor="test")
    entered = await sign_in.enter(rt, "Dung.NT ", chosen, address=HERE)
    assert entered.stage is Stage.ENROL


@pytest.mark.parametrize("name", ["dung.nt", "Dũng", "x", "a'; DROP TABLE users; --"])
async def test_a_name_that_is_taken_or_strange_is_refused(rt: Runtime, name: str) -> None:
    await users.add(rt, "dung.nt", Role.VIEWER, [], password=None, actor="test")
    with pytest.raises(users.UserNameRefused):
        await users.add(rt, name, Role.ADMIN, [], password=None, actor="test")
    assert [user.role for user, _ in await users.list_all(rt)] == [Role.VIEWER]


async def test_a_weak_first_password_adds_nobody(rt: Runtime) -> None:
    with pytest.raises(PasswordTooWeak):
        await users.add(rt, "dung.nt", Role.VIEWER, [], password="weak", actor="test")
    assert await users.list_all(rt) == []


async def test_a_reset_ends_sessions_and_takes_the_old_password_away(rt: Runtime) -> None:
    old = await users.add(rt, "dung.nt", Role.VIEWER, [], password=None, actor="test")
    entered = await sign_in.enter(rt, "dung.nt", old, address=HERE)
    new = await users.reset(rt, "dung.nt", actor="test")
    assert await sign_in.find(rt, entered.token) is None
    with pytest.raises(SignInRefused):
        await sign_in.enter(rt, "dung.nt", old, address=HERE)
    assert (await sign_in.enter(rt, "dung.nt", new, address=HERE)).stage is Stage.ENROL


async def test_nobody_is_disabled_or_reset_who_is_not_there(rt: Runtime) -> None:
    for act in (users.disable, users.reset):
        with pytest.raises(users.UserUnknown):
            await act(rt, "nobody", actor="test")


async def test_every_change_of_a_user_is_in_the_audit_trail(rt: Runtime) -> None:
    await users.add(rt, "dung.nt", Role.VIEWER, ["32011"], password=None, actor="test")
    await users.reset(rt, "dung.nt", actor="test")
    await users.disable(rt, "dung.nt", actor="test")
    async with database.borrow(rt.pool) as connection:
        rows = await connection.fetch("SELECT action FROM audit_log ORDER BY id")
        assert await upkeep.first_broken_audit(connection) is None
    assert [row["action"] for row in rows] == ["user.add", "user.reset", "user.disable"]
