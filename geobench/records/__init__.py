"""What is stored of a run, and where: typed documents, the workspace, records, parts."""

from geobench.records.documents import LAYOUT as LAYOUT
from geobench.records.documents import refuse_newer as refuse_newer
from geobench.records.environment import environment as environment
from geobench.records.manifest import Manifest as Manifest
from geobench.records.manifest import ManifestRow as ManifestRow
from geobench.records.parts import MAP_ROWS as MAP_ROWS
from geobench.records.parts import NEIGHBOURHOOD_KM as NEIGHBOURHOOD_KM
from geobench.records.parts import is_current as is_current
from geobench.records.parts import part_arrays as part_arrays
from geobench.records.parts import split_map as split_map
from geobench.records.record import DrawRule as DrawRule
from geobench.records.record import Fit as Fit
from geobench.records.record import Record as Record
from geobench.records.record import Status as Status
from geobench.records.stored_records import KEYS as KEYS
from geobench.records.stored_records import MAP as MAP
from geobench.records.stored_records import StoredRecord as StoredRecord
from geobench.records.stored_records import record_key as record_key
from geobench.records.workspace import Workspace as Workspace
