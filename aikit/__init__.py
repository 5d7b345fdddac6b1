"""The command line, `aikit`. Each module has one command, or a few that belong together."""
