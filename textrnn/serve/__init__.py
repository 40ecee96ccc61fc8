"""The local page and the HTTP interface of saved runs."""
