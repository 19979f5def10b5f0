"""What holds records, whatever the registry: archives, streams, encodings, JSON, XML, tables."""
