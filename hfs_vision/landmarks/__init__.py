"""Landmarks of one subject in each frame, and what the patch networks read around them."""
