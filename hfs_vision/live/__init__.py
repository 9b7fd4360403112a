"""A session in front of a camera: counts while it runs, keeps a log that survives."""
