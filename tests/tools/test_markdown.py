"""Tables of generated Markdown."""

from tools.markdown import markdown_table


def test_a_table_has_a_line_for_its_columns_a_rule_and_its_rows():
    assert markdown_table(("name", "n"), [("a", 1), ("b", 2.5)]) == "| name | n |\n|-|-|\n| a | 1 |\n| b | 2.5 |"
