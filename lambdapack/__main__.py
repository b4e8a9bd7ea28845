"""`python -m lambdapack`."""

from lambdapack.cli import main

if __name__ == "__main__":
    main()
