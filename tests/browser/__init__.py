"""The page of a review, driven in Debian's Chromium."""
