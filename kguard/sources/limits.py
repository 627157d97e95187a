# SPDX-License-Identifier: Apache-2.0
"""How much is read before an input is refused?"""

from __future__ import annotations

MAX_FILE_BYTES = 64 << 20
"""A file, and standard input."""
MAX_PLAIN_FILE_BYTES = 1 << 20
"""A file that is no YAML and that a layer owns."""
MAX_FILES = 200_000
"""Files of one folder or git revision."""
MAX_TREE_BYTES = 2 << 30
"""All files of a git revision together."""
MAX_RENDERED_BYTES = 256 << 20
"""Output of one renderer."""
RENDER_SECONDS = 60
GIT_SECONDS = 120
