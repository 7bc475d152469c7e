"""The front doors: command line and web page."""
