"""Search in Japanese: pairs of neighbouring characters, in the index and in what a reader asks for.

Sphinx's own splitter cuts text into words, but its JavaScript does not cut the question, so that a question finds only
what happens to be one word. A page is found if it has all pairs of the question.
"""

import re

from sphinx.search import SearchLanguage

JAPANESE = "぀-ヿ㐀-鿿々"
RUN = re.compile(rf"[{JAPANESE}]+|[^\W{JAPANESE}]+")


class Pairs(SearchLanguage):
    """Japanese in pairs, all else in words."""

    lang = "ja"
    language_name = "Japanese"
    js_splitter_code = f"""
var splitQuery = (query) =>
  (query.match(/[{JAPANESE}]+|(?:(?![{JAPANESE}])[\\p{{L}}\\p{{N}}_])+/gu) || []).flatMap((run) =>
    /^[{JAPANESE}]{{2}}/.test(run) ? [...run.slice(1)].map((next, place) => run[place] + next) : [run]
  );
"""

    def split(self, input: str) -> list[str]:  # noqa: A002  Sphinx names it so
        """Return the words and pairs of a text; a Japanese character is there alone, too, to be asked for."""
        found = []
        for run in RUN.findall(input):
            japanese = re.match(f"[{JAPANESE}]", run)
            found += [*run, *(a + b for a, b in zip(run, run[1:]))] if japanese else [run]
        return found
