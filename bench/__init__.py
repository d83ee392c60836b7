"""How fast, against what: our service, the same SQL in pgbench, and an idiomatic ORM service."""
