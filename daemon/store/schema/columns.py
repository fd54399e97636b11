"""The parts of tables: names of constraints, numbers of rows, references, flags, indexes."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts only INTEGER PRIMARY KEY by itself; PostgreSQL wants the wide one.
Id = BigInteger().with_variant(Integer(), "sqlite")


def id_column() -> Column[int]:
    """The row's own number."""
    return Column("id", Id, primary_key=True, autoincrement=True)


def ref(name: str, target: str, *, nullable: bool = False) -> Column[int]:
    """The number of a row of another table."""
    return Column(name, Id, ForeignKey(f"{target}.id"), nullable=nullable)


def flag(name: str, *, default: bool) -> Column[bool]:
    """Yes or no."""
    return Column(
        name,
        Boolean(create_constraint=False),
        nullable=False,
        server_default="1" if default else "0",  # both engines read it from a migration
    )


def partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of the rows under a condition, on both engines."""
    few = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=few, postgresql_where=few)
