"""People who sign in: users, their sessions, and how often somebody tried.

Revision ID: 0009
Revises: 0008
"""

from alembic import op

from gateway.store.schema import run_script

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

USERS = """
CREATE TABLE users (
    id uuid PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    role text NOT NULL CHECK (role IN ('viewer', 'utility', 'operator', 'admin')),
    areas text[] NOT NULL,
    password text NOT NULL,
    secret bytea,
    last_step bigint NOT NULL DEFAULT 0,
    disabled_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_name_key UNIQUE (name)
);
CREATE TABLE recovery_codes (
    user_id uuid NOT NULL REFERENCES users (id),
    digest bytea NOT NULL,
    PRIMARY KEY (user_id, digest)
);
CREATE TABLE sessions (
    digest bytea PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    stage text NOT NULL CHECK (stage IN ('code', 'enrol', 'in')),
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expires ON sessions (expires_at);
CREATE TABLE sign_in_tries (
    key text COLLATE "C" PRIMARY KEY,
    count integer NOT NULL,
    last_at timestamptz NOT NULL,
    next_at timestamptz NOT NULL
);
"""

GRANTS = """
GRANT SELECT, INSERT, UPDATE ON users TO gateway_service;
GRANT SELECT, INSERT, DELETE ON recovery_codes TO gateway_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON sessions, sign_in_tries TO gateway_service;
"""


def upgrade() -> None:
    """Make the tables."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for part in (USERS, GRANTS):
        run_script(part)


def downgrade() -> None:
    """Take them away; who was signed in is signed out."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute("DROP TABLE sign_in_tries, sessions, recovery_codes, users")
