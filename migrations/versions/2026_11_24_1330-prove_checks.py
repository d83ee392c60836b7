"""Prove the checks that revision 0002 widened without looking at the rows that stood.

Revision ID: 0003
Revises: 0002

In a transaction of its own: it reads whole tables, and stops nobody from paying meanwhile.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

PROVE = (
    "ALTER TABLE bills VALIDATE CONSTRAINT bills_status_check",
    "ALTER TABLE payments VALIDATE CONSTRAINT payments_status_check",
    "ALTER TABLE transfers VALIDATE CONSTRAINT transfers_kind_check",
)


def upgrade() -> None:
    """Look at every row once, under a lock that lets rows be read and written."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for statement in PROVE:
        op.execute(statement)


def downgrade() -> None:
    """Leave the checks proved; what is proved does not become less true."""
