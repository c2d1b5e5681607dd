"""Scripts that measure time; nothing here is a test."""
