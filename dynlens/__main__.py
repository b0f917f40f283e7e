"""``python -m dynlens`` is the command line."""

from dynlens.cli import main

if __name__ == "__main__":
    main()
