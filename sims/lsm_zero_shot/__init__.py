"""Zero-shot retrieval between event recordings and stills through two liquids."""
