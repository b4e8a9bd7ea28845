"""The checks: one a file, found by the catalogue. No check knows another."""
