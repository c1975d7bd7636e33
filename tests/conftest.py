"""What all tests of netproof itself share."""

from __future__ import annotations

import hypothesis

# A property is judged by its outcome: how long an example takes says something of the machine, which may be busy.
hypothesis.settings.register_profile("netproof", deadline=None)
hypothesis.settings.load_profile("netproof")
