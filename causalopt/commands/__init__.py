"""The commands: one file each, thin, with everything slow imported when the command runs."""
