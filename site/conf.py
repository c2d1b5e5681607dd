"""How Sphinx builds the site's pages; tools.site runs it once for each language, with the tag `ja` for Japanese."""

from docutils import nodes
from latex2mathml.converter import convert

from tools.site.pages import LAB_PAGE, twins
from tools.site.words import WORDS

language = "ja" if tags.has("ja") else "en"  # noqa: F821  Sphinx puts `tags` here
other = {"en": "ja", "ja": "en"}[language]
project = html_title = WORDS[language]["title"]
author = ""
extensions = ["myst_nb"]
templates_path = ["templates"]

nb_execution_mode = "off"  # the stored outputs are shown
myst_enable_extensions = ["dollarmath"]
myst_dmath_allow_space = myst_dmath_allow_digits = False
myst_heading_anchors = 6
myst_heading_slug_func = "tools.site.pages.slug"
html_math_renderer = "mathml"

html_theme = "sphinx_book_theme"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["live.js", "search.js"]
html_copy_source = False  # notebooks are offered without their outputs, in downloads/
html_use_index = False
html_permalinks_icon = "#"
html_favicon = "static/icon.svg"
html_context = {
    "words": WORDS[language],
    "other": other,
    "lab_page": LAB_PAGE[language],
    "twins": twins(),
    "with_lab": tags.has("lab"),  # noqa: F821
    "default_mode": "auto",
}
html_theme_options = {
    "search_bar_text": WORDS[language]["search"],
    "navbar_persistent": [],
    "primary_sidebar_end": [],
    "max_navbar_depth": 1,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "article_header_end": ["languages", "article-header-buttons"],
    "footer_content_items": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def write_formula(self, node):
    """Write a formula as MathML, which browsers draw by themselves."""
    block = isinstance(node, nodes.math_block)
    formula = convert(node.astext(), display="block" if block else "inline")
    self.body.append(f'<div class="formula" tabindex="0">{formula}</div>' if block else formula)
    raise nodes.SkipNode


def setup(app):
    """Tell Sphinx about formulas and about search in Japanese."""
    from tools.site.search import Pairs

    app.add_html_math_renderer("mathml", (write_formula, None), (write_formula, None))
    app.add_search_language(Pairs)
