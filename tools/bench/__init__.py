"""How fast lambdapack is, beside programs that everybody knows, measured in one run: `make bench`."""
