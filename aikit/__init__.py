"""The command line, `aikit`: one module a command or group of commands; `main.py` puts them together."""
