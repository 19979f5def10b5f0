"""ChiCTR: its XML export, and its pages as a browser saves them."""
