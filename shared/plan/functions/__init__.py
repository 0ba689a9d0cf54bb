"""The plan language's functions beside DuckDB's own scalar functions, one file per noun."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from duckdb.func import FunctionNullHandling, PythonUDFType

from shared.plan.functions.clean import CLEAN
from shared.plan.functions.codebook import CODEBOOK
from shared.plan.functions.date_of import DATE_OF, TIMESTAMP_OF
from shared.plan.functions.digits import DIGITS
from shared.plan.functions.email import EMAIL
from shared.plan.functions.function import Example, Function, Native
from shared.plan.functions.json_text import JSON_OR_RAW, JSON_STRICT
from shared.plan.functions.key import KEY, REF
from shared.plan.functions.matching import MATCHING
from shared.plan.functions.name_case import NAME_CASE
from shared.plan.functions.phone import PHONE
from shared.plan.functions.reading import READING
from shared.plan.functions.rest import REST, SOURCE_TABLE
from shared.plan.functions.unit import UNIT

if TYPE_CHECKING:
    import duckdb

FUNCTIONS = MappingProxyType(
    {
        function.name: function
        for function in (
            CLEAN,
            CODEBOOK,
            DATE_OF,
            DIGITS,
            EMAIL,
            JSON_OR_RAW,
            JSON_STRICT,
            KEY,
            MATCHING,
            NAME_CASE,
            PHONE,
            REF,
            REST,
            SOURCE_TABLE,
            TIMESTAMP_OF,
            UNIT,
        )
    }
)
"""Every function by name."""


def install(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the functions known to a connection. It must be closed: DuckDB keeps native functions until then."""
    for function in FUNCTIONS.values():
        for native in function.natives:
            connection.create_function(
                native.name,
                native.function,
                list(native.arguments),
                native.result,
                type=PythonUDFType.ARROW,
                null_handling=FunctionNullHandling.SPECIAL,
            )
    for macro in (*READING, *(macro for function in FUNCTIONS.values() for macro in function.macro)):
        connection.execute(macro)


__all__ = ["FUNCTIONS", "Example", "Function", "Native", "install"]
