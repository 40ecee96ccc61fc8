"""Tables with all that people leave in them are read rightly; `awkward_tables.py` makes and counts more of them."""

from awkward_tables import awkward_table, reading

from textrnn.text.table.table import open_table


def test_awkward_tables_are_read_rightly(tmp_path):
    wrong = {seed: said for seed in range(100) if (said := reading(awkward_table(seed), tmp_path)) is not None}
    assert wrong == {}


def test_awkward_tables_are_of_many_kinds_and_a_wrong_reading_is_found(tmp_path):
    tables = [awkward_table(seed) for seed in range(300)]
    traits = {trait for table in tables for trait in table.traits}
    assert {
        "titles",
        "ruler",
        "total",
        "marks",
        "spellings",
        "repeated header",
        "no header",
        "JSON",
        "nested",
        "another form of JSON",
        "workbook",
        "Parquet",
        "tasks",
        "lists of labels",
    } <= traits
    table = next(table for table in tables if "marks" in table.traits and table.suffix == ".csv")
    text, _ = table.rows[0]
    assert "table.csv: " in reading(table._replace(rows=[(text, "other"), *table.rows[1:]]), tmp_path)
    assert "table.csv: " in reading(table._replace(rows=table.rows[1:]), tmp_path)
    (tmp_path / "table.csv").write_bytes(table.content)
    with open_table(str(tmp_path / "table.csv"), needs_label=True) as opened:
        assert sum(1 for _ in opened.rows()) == len(table.rows)
