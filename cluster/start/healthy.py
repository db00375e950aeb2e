"""Exit with 0 if a URL answers with 200: the health check of containers that have no curl.

Usage: python healthy.py URL
"""

import sys
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

try:
    with build_opener(ProxyHandler({})).open(sys.argv[1], timeout=3) as answer:  # past any proxy
        sys.exit(answer.status != 200)
except (URLError, OSError) as error:
    sys.exit(f"{sys.argv[1]}: {error}")
