"""`python -m vinovits`: the same as the command `vinovits`."""

from vinovits.cli import main

if __name__ == "__main__":
    main()
