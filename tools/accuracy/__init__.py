"""How often the inspector is right: its verdicts on many real artifacts, held against real imports.

python -m tools.accuracy --help
"""
