"""Tooling of the site: from snippet to published page, and the proof of it."""
