"""Tables: reading, finding columns, writing back."""
