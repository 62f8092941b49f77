"""Trained recurrent networks of the liquid's size, on the liquid's folds."""
