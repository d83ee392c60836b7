"""A call before the call: some providers want a token that they give out themselves."""

from abc import abstractmethod

from gateway.kit.abilities.provider import ConfigT, Provider
from gateway.kit.messages import Call, Reply, Token


class NeedsToken(Provider[ConfigT]):
    """Its calls need a token; the wire asks for it, keeps it, and renews it once on a 401.

    It is no ability: it promises nothing to the house and stands in no matrix.
    """

    @abstractmethod
    def authorise(self) -> Call:
        """Build the call that asks for a token; it moves no money and may be repeated at will."""

    @abstractmethod
    def read_token(self, reply: Reply) -> Token:
        """Read the token.

        Raises:
            Garbled: there is none; what needed it is then not sent.
        """
