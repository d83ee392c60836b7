"""Providers are found by their entry points, and what is wrong with one is said in a sentence."""

import sys
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import pytest
from pydantic import Field, SecretStr, field_validator

from gateway.domain.biller import Channel
from gateway.domain.evidence import Finding, Outcome
from gateway.kit import abilities, registry
from gateway.kit.abilities import AnswersQueries, Cancels
from gateway.kit.messages import Call, Moment, Order, Reply
from gateway.kit.registry import ProviderUnusable, Registry, matrix

HERE = "a_provider_of_the_registry_tests"


class AcmeConfig(abilities.Config):
    """A secret, a number and a field with a rule of its own."""

    secret: SecretStr
    terminal: int = Field(default=1, ge=1)
    host: str = "https://sandbox.acme.example.vn"

    @field_validator("host")
    @classmethod
    def _is_https(cls, host: str) -> str:
        if not host.startswith("https://"):
            message = f"{host} is not https"
            raise ValueError(message)
        return host


class Acme(AnswersQueries[AcmeConfig]):
    """Answers queries and nothing else."""

    code = "acme"
    title = "Acme Pay"
    channels = frozenset({Channel.QR, Channel.E_WALLET})
    Config = AcmeConfig

    @property
    def merchant(self) -> str:
        return "ACME"

    def query(self, order: Order, moment: Moment) -> Call:
        return Call("query", self.config.host)

    def read_queried(self, order: Order, reply: Reply) -> Finding:
        return Finding(Outcome.UNKNOWN)


class Unfinished(Acme, Cancels[AcmeConfig]):
    """Says that it cancels and does not."""


class Nameless(AnswersQueries[AcmeConfig]):
    """Has no code."""

    merchant = Acme.merchant
    query = Acme.query
    read_queried = Acme.read_queried


@pytest.fixture(autouse=True)
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module that entry points can name."""
    made = ModuleType(HERE)
    vars(made).update(Acme=Acme, Unfinished=Unfinished, Nameless=Nameless, text="no class", int=int)
    monkeypatch.setitem(sys.modules, HERE, made)
    return made


def entry(name: str = "acme", value: str = f"{HERE}:Acme") -> EntryPoint:
    return EntryPoint(name, value, registry.GROUP)


def test_a_provider_is_found_by_its_entry_point() -> None:
    found = Registry([entry()])
    assert found.codes == ["acme"]
    assert found.load("acme") is Acme
    assert found.classes() == [Acme]


def test_nothing_is_imported_before_it_is_used() -> None:
    found = Registry([entry(), entry("broken", "no.such.module:Broken")])
    assert found.load("acme") is Acme
    assert found.configured({"GATEWAY_ACME__SECRET": "s"}).keys() == {"acme"}


def test_two_providers_with_one_code_are_refused() -> None:
    with pytest.raises(ProviderUnusable, match=r"two providers have the code 'acme'.*uninstall"):
        Registry([entry(), entry(value="other:Acme")])


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (entry(value="no.such.module:X"), "cannot be imported: No module named 'no'"),
        (entry(value=f"{HERE}:Absent"), "cannot be imported: .*Absent"),
        (entry(value=f"{HERE}:text"), "is not a class that inherits an ability"),
        (entry(value=f"{HERE}:int"), "is not a class that inherits an ability"),
        (entry(value=f"{HERE}:Unfinished"), "lacks 'cancel', 'read_cancelled'"),
        (entry(value=f"{HERE}:Nameless"), "does not say its 'code', 'title', 'channels', 'Config'"),
        (entry("acme2"), "says that its code is 'acme'"),
    ],
    ids=lambda one: getattr(one, "value", None),
)
def test_what_is_no_usable_provider_is_refused_in_a_sentence(found: EntryPoint, says: str) -> None:
    with pytest.raises(ProviderUnusable, match=says):
        Registry([found]).load(found.name)


def test_an_unknown_code_is_refused_with_what_there_is() -> None:
    with pytest.raises(ProviderUnusable, match="no provider 'amce' is installed; there are 'acme'"):
        Registry([entry()]).load("amce")


def configured(**variables: str) -> dict[str, Any]:
    return Registry([entry()]).configured(variables)


def test_a_provider_without_variables_is_not_configured() -> None:
    assert configured(GATEWAY_PORT="80", GATEWAY_ACMEPAY__SECRET="s", ACME__SECRET="s") == {}


def test_a_provider_is_configured_from_its_variables() -> None:
    made = configured(GATEWAY_ACME__SECRET="s3cret", GATEWAY_ACME__TERMINAL="7")["acme"]
    assert isinstance(made, Acme)
    assert made.config.terminal == 7
    assert made.config.secret.get_secret_value() == "s3cret"


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"TERMINAL": "7"}, "'GATEWAY_ACME__SECRET' is not set"),
        ({"SECRET": "s3cret", "SECRT": "x"}, "'GATEWAY_ACME__SECRT' is not a variable"),
        (
            {"SECRET": "s3cret", "TERMINAL": "0"},
            "'GATEWAY_ACME__TERMINAL': input should",
        ),
        ({"SECRET": "s3cret", "HOST": "http://s3cret"}, "'GATEWAY_ACME__HOST' is not acceptable"),
        ({"SECRET": "s3cret", "DEADLINE_S": "s3cret"}, "'GATEWAY_ACME__DEADLINE_S': input should"),
    ],
    ids=str,
)
def test_a_wrong_variable_is_named_and_no_value_is_shown(
    variables: dict[str, str], says: str
) -> None:
    with pytest.raises(ProviderUnusable, match=says) as refused:
        configured(**{f"GATEWAY_ACME__{name}": value for name, value in variables.items()})
    assert "s3cret" not in str(refused.value)
    assert str(refused.value).startswith("Acme Pay is not configured: ")


def test_abilities_are_what_a_class_inherits() -> None:
    assert registry.abilities_of(Acme) == (AnswersQueries,)
    assert registry.abilities_of(Unfinished) == (AnswersQueries, Cancels)


def test_the_matrix_has_a_column_for_a_provider_and_a_line_for_an_ability() -> None:
    rows = matrix([Acme])
    assert rows[0].abilities == ("AnswersQueries",)
    assert rows[0].channels == ("e_wallet", "qr")
    lines = registry.markdown(rows).splitlines()
    assert lines[0] == "|  | Acme Pay |"
    assert "| AnswersQueries | yes |" in lines
    assert "| Cancels | - |" in lines
    assert len(lines) == 5 + len(abilities.ABILITIES)
