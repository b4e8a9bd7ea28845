"""Builds stand-ins for the official Lambda base images from Debian and PyPI, for machines that cannot pull those."""
