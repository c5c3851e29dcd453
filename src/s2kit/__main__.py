"""Run the command line with `python -m s2kit`."""

from s2kit.cli.start import main

if __name__ == "__main__":
    main()
