"""From a recording to its events: looks first, measures in parallel, detects, counts."""
