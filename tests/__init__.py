"""Real parts: real files, real Chroma, the real embedding model, a real browser."""
