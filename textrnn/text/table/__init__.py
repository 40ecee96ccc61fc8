"""Tables of texts: read (source, dialect, records, json_lines, rows), find columns (column_facts, columns), write back.

`table` opens one with all of it.
"""
