"""When a mandate's bank is asked next how it stands.

Revision ID: 0015
Revises: 0014

Only expands: a service of the revision before goes on working on this schema.
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the schedule, and let what waits already be asked about at once."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute("ALTER TABLE mandates ADD COLUMN ask_at timestamptz")
    op.execute("ALTER TABLE mandates ADD COLUMN asked smallint NOT NULL DEFAULT 0")
    op.execute(
        "UPDATE mandates SET ask_at = now()"
        " WHERE state = 'pending_bank' AND registered_at IS NOT NULL"
    )
    op.execute(
        "CREATE INDEX mandates_ask ON mandates (provider, ask_at) WHERE state = 'pending_bank'"
    )


def downgrade() -> None:
    """Ask no more."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute("ALTER TABLE mandates DROP COLUMN ask_at, DROP COLUMN asked")
