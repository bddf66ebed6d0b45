"""The audit: what is wrong with a dataset, and what a split lets leak from training into its tests.

`examine` looks; what it finds is an `Audit` of sections and lines.
"""

from geobench.audit.examination import examine
from geobench.audit.findings import Audit, Mark
from geobench.audit.page import amount, conclusion, headline, markdown, remarks, share, to_json

__all__ = [
    "Audit",
    "Mark",
    "amount",
    "conclusion",
    "examine",
    "headline",
    "markdown",
    "remarks",
    "share",
    "to_json",
]
