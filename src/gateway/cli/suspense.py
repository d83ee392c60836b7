"""Money in suspense: whose it is, how old, what is done next; and a person's decisions."""

from typing import Annotated

import typer

from gateway.cli.flow import run_flow, stop
from gateway.domain.clock import business_date
from gateway.domain.ids import from_public, to_public
from gateway.domain.suspense import age_band
from gateway.flows import assigning, crediting
from gateway.flows import suspense as flow
from gateway.runtime import Runtime
from gateway.store.suspense import LineRow
from gateway.store.suspense_lists import Filter

suspense = typer.Typer(help="Money that pays no bill yet.", invoke_without_command=True)
LINES_SHOWN = 100


@suspense.callback(invoke_without_command=True)
def show(context: typer.Context) -> None:
    """Show what stands in suspense, the newest first, with its age and its next action."""
    if context.invoked_subcommand is not None:
        return

    async def act(rt: Runtime) -> list[str]:
        lines, has_more = await flow.list_lines(rt, Filter(limit=LINES_SHOWN))
        ages: dict[str, int] = {}
        for line in lines:
            band = _band(rt, line)
            ages[band] = ages.get(band, 0) + line.amount_dong
        total = ", ".join(f"{band} days {ages[band]}" for band in sorted(ages))
        more = [f"… only the newest {LINES_SHOWN} are shown"] if has_more else []
        told = [text for line in lines for text in _told(line, _band(rt, line))]
        return [*told, *more, f"đồng by age: {total or 'none'}"]

    for text in run_flow(act):
        typer.echo(text)


def _band(rt: Runtime, line: LineRow) -> str:
    return age_band((business_date(rt.clock.now()) - business_date(line.opened_at)).days)


def _told(line: LineRow, band: str) -> list[str]:
    return [
        f"{to_public('sus', line.id)}  {line.amount_dong} đồng  {line.reason}  {band} days  "
        f"due {line.due_on}  {line.owner}  {line.customer_code or ''}".rstrip(),
        f"  {line.next_action}",
    ]


@suspense.command()
def assign(
    line: Annotated[str, typer.Argument(help="The line: sus_…")],
    customer: Annotated[str, typer.Option(help="Whose bills it pays")],
    by: Annotated[str, typer.Option(help="Who decided")],
    reason: Annotated[str, typer.Option(help="How it is known whose money it is")],
) -> None:
    """Pay a customer's open bills with it; what is over is to be refunded."""
    line_id = from_public("sus", line)
    if line_id is None:
        stop(f"'{line}' names no line; see `gateway suspense`")
    wanted = assigning.Assignment(line_id, customer, by, reason)
    done = run_flow(lambda rt: assigning.assign(rt, wanted))
    typer.echo(f"{to_public('pay', done.payment_id)} paid {done.paid_dong} đồng")
    if done.rest_dong:
        typer.echo(f"{done.rest_dong} đồng are over: their refund is due")


def credit_account(
    account: Annotated[str, typer.Argument(help="The account's number, as notices write it")],
    biller: Annotated[str, typer.Option(help="For whose bills money arrives there")],
    partner: Annotated[str, typer.Option(help="In whose name it pays them")],
) -> None:
    """Say whose an account is on which money arrives; notices of others are sent back."""
    run_flow(lambda rt: crediting.put_account(rt, account, biller, partner, actor="cli"))
    typer.echo(f"money on {account} pays bills of {biller} in the name of {partner}")


def add_to(commands: typer.Typer) -> None:
    """Hang these commands into `gateway`."""
    commands.add_typer(suspense, name="suspense")
    commands.command("credit-account")(credit_account)
