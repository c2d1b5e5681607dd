"""The site: all lessons in both languages as a static folder, `dist/site`, with live panels. See docs/site.md."""
