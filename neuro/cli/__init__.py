"""The command line: the front door that loads every room lazily."""
