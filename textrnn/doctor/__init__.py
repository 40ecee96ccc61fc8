"""What `textrnn doctor` finds out: the machine, what is installed, what is broken, what training will cost."""
