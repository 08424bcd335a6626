"""The command `causalopt`, and python -m causalopt."""

import sys


def main() -> int:
    """Run one command and return its exit code, 130 where it is interrupted while it loads."""
    try:
        from causalopt.cli import program

        return program()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
