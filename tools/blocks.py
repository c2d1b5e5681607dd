"""Generated parts of texts that are otherwise written by hand."""

import re


def replace_block(text: str, name: str, content: str) -> str:
    """Return a text with `content` between <!-- name --> and <!-- /name -->; raise ValueError unless it has one."""
    marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    new, count = marked.subn(lambda match: f"{match[1]}{content}\n{match[2]}", text)
    if count != 1:
        raise ValueError(f"the text has {count} places marked {name}, not one: <!-- {name} --> ... <!-- /{name} -->")
    return new
