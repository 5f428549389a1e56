"""The code that runs inside a cell. It needs only the standard library and the pytest of the harness.

Inside a cell the project cannot be imported, and this package has another name (see :mod:`.plugin`). So its modules
import each other by relative imports. Only type checkers import :mod:`.protocol`, which declares types.

Every file of this folder is part of the key of all evidence (see :func:`stackcompat.run.sandbox.plugin_code`).
"""

from __future__ import annotations
