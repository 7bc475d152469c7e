"""Files in, chunks with exact offsets in the index."""
