"""Codes that a payer says at a counter: what is done next at some providers.

Revision ID: 0012
Revises: 0011
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; nullable and without a default, so no row is written anew."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute("ALTER TABLE attempts ADD COLUMN payment_code text")


def downgrade() -> None:
    """Take it away; whoever was shown a code keeps it."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute("ALTER TABLE attempts DROP COLUMN payment_code")
