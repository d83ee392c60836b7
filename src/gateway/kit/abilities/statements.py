"""A provider's statements."""

from abc import abstractmethod
from collections.abc import Iterable

from gateway.kit.abilities.provider import ConfigT, Provider
from gateway.kit.messages import StatementLine


class GivesStatements(Provider[ConfigT]):
    """Gives a settlement file for a business day."""

    @abstractmethod
    def read_statement(self, file: Iterable[bytes]) -> Iterable[StatementLine]:
        """Read the lines; count and sum are checked against the file's own totals.

        Raises:
            Garbled: the file is not whole.
        """
