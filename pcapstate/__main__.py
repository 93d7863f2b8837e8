"""``python -m pcapstate`` is the command ``pcapstate``."""

import sys


def main() -> None:
    """Runs the command line and exits. An interrupt while it is still loading ends it without a traceback too."""
    try:
        from .cli import main as command
    except KeyboardInterrupt:
        sys.exit(130)
    command()


if __name__ == "__main__":
    main()
