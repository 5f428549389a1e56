"""The versions of the tables, each with what makes it out of the one before. A released one is never changed."""
