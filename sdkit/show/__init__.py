"""Pictures laid out and measured: grids, contact sheets, tables, plots, pages."""
