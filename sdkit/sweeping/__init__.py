"""One to three things varied, everything else held: planned, made in batches, resumed from a folder."""
