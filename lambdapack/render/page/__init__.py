"""The files that an HTML report is put together from."""
