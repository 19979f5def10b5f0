"""To and from annotation tools: one module a format, each with `write` and `read`."""
