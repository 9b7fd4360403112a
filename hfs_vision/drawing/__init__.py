"""What is drawn on pictures of a face, live and in files: marks, sides, texts and traces.

Nothing here knows of sessions, files or windows: it draws what it is given, at the place that it is
given. Colours are BGR, as OpenCV has them.
"""
