"""What everything stands on: errors, options, files, runs."""
