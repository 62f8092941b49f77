"""The liquid's accuracy under every hardware effect, alone and together."""
