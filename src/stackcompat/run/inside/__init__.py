"""The code that runs inside a cell, on the standard library and the pytest of the harness.

Inside a cell the project cannot be imported. There this package has another name (see :mod:`.plugin`), so its modules
import each other relatively. They import :mod:`.protocol`, which declares types only, for type checkers alone.

Every file of this folder is part of the key of all evidence (see :func:`stackcompat.run.sandbox.plugin_code`).
"""

from __future__ import annotations
