"""Facts read from an artifact: streams in, frozen data out. Knows what is there and never whether it is right."""
