"""How the tables of older versions become those of this one, by Alembic. See docs/decisions/0010-store.md."""
