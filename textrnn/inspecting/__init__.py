"""What goes on inside a network: which units track what, how far gradients reach, what attention looks at."""
