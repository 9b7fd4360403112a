"""Makes the patches that the appearance networks learn from, and trains them."""
