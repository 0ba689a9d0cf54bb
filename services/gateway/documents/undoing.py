"""Documents of undoing a run."""

from __future__ import annotations

from shared.core.document import Form
from shared.core.run_options import BuiltOn


class UndoForm(Form, frozen=True, kw_only=True):
    """What is to become of rows on which others built since: changed ones, and ones that others refer to.

    `refuse` writes nothing and names how many there are; `keep` leaves them; `discard` takes changed ones back all the
    same, and leaves what others refer to.
    """

    built_on: BuiltOn = BuiltOn.REFUSE
