#!/usr/bin/env python
"""The operators' door: `manage.py help` lists every command."""

import os
import sys

from django.core.management import execute_from_command_line

from config.kernel import logs

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    logs.stream_name = "stderr"
    execute_from_command_line(sys.argv)
