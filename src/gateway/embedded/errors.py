"""The one error of the embedded server."""


class EmbeddedPostgresError(Exception):
    """The embedded server cannot do what was asked.

    The message says what happened, to what, and what to do. It says nothing about money: what a
    running server has acknowledged is on disk.
    """

    def __init__(self, happened: str, advice: str) -> None:
        super().__init__(
            f"{happened}; {advice}, or set GATEWAY_DATABASE_URL to a PostgreSQL ≥ 15 of your own"
        )
