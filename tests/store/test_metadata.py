"""All tables at once."""

from pathlib import Path

from gateway.store import metadata


def test_every_module_of_tables_is_among_them() -> None:
    folder = Path(metadata.__file__).parent
    modules = {path.stem for path in folder.glob("*_tables.py")}
    assert {part.__name__.rpartition(".")[2] for part in metadata.PARTS} == modules
    assert {"payments", "attempts", "users"} <= metadata.METADATA.tables.keys()
