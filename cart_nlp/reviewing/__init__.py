"""The review: the queue as a table, a file or a page on which a curator decides with the keyboard."""
