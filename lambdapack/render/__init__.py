"""Reports as text and as JSON. Pure functions: they know nothing about how a report came to be."""
