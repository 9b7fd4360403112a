"""HTTP requests, signals of the system, and names on their way out: what any room may use."""
