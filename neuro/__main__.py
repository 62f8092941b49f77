"""``python -m neuro``: the same command line as the console script."""

from neuro.cli.main import main

raise SystemExit(main())
