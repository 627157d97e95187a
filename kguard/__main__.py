# SPDX-License-Identifier: Apache-2.0
"""How is kguard run as a module (`python -m kguard`)?"""

from kguard.cli import main

if __name__ == "__main__":
    main()
