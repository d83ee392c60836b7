"""Which schema this code needs. Apart from `schema.py`, so that a service need not load Alembic."""

HEAD = "0015"
"""The revision that this code needs; a test holds it against `migrations/`."""

CURRENT = "SELECT version_num FROM alembic_version"
