"""``python -m pcapstate`` is the command ``pcapstate``."""

from .cli import main

if __name__ == "__main__":
    main()
