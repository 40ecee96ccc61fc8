"""What the commands do: one module each, without parsing of arguments and without printing."""
