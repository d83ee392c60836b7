"""${message}

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}

Expand in one release, contract in a later one. Indexes on live tables are built CONCURRENTLY,
backfills are scripts and not migrations.
"""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand."""
    # A migration that waits for a lock makes every payment wait behind it: give up early instead.
    op.execute("SET LOCAL lock_timeout = '3s'")
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Undo."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    ${downgrades if downgrades else "pass"}
