"""Dead cells after learning."""
