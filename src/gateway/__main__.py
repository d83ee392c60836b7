"""`python -m gateway …` and the `gateway` command."""

from gateway.cli import commands


def main() -> None:
    """Run the command line."""
    commands()


if __name__ == "__main__":
    main()
