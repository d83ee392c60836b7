"""Alembic's entry: runs the migrations on the connection that `store.schema` hands in."""

from alembic import context
from sqlalchemy import Connection

from gateway.store import mandate_tables, sms_tables  # noqa: F401 (so that Alembic sees them)
from gateway.store.provider_tables import METADATA
from gateway.store.schema import include_object


def run(connection: Connection) -> None:
    """Run what Alembic was asked for, each migration in a transaction of its own.

    So a lock that one takes is given back before the next one reads whole tables.
    """
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        include_object=include_object,
        compare_server_default=False,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
