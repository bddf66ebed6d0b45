"""What is stored of a run, and where: the workspace, records, parts."""

from geobench.records.environment import environment as environment
from geobench.records.parts import NEIGHBOURHOOD_KM as NEIGHBOURHOOD_KM
from geobench.records.parts import is_current as is_current
from geobench.records.parts import part_arrays as part_arrays
from geobench.records.parts import split_map as split_map
from geobench.records.records import KEYS as KEYS
from geobench.records.records import LAYOUT as LAYOUT
from geobench.records.records import MAP as MAP
from geobench.records.records import DrawRule as DrawRule
from geobench.records.records import Record as Record
from geobench.records.records import Status as Status
from geobench.records.records import Task as Task
from geobench.records.records import check_layout as check_layout
from geobench.records.records import record_key as record_key
from geobench.records.records import refuse_newer as refuse_newer
from geobench.records.workspace import Workspace as Workspace
