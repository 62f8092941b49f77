"""How large an array may be before wires cost the liquid one point."""
