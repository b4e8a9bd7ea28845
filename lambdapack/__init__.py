"""lambdapack: build, inspect and import-test AWS Lambda Python artifacts."""

__version__ = "0.1.0.dev0"
