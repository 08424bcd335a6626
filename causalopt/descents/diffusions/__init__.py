"""Fokker-Planck equations on a line and in the plane, and their end states."""
