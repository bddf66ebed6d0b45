"""What methods on torch share: reading in chunks, the training loop, states; registers nothing.

It imports torch, so a method imports it inside `fit`, `predict` and `restore`.
"""

from geobench_torch.layers import Standardise as Standardise
from geobench_torch.loop import Recipe as Recipe
from geobench_torch.loop import Trained as Trained
from geobench_torch.loop import seeded as seeded
from geobench_torch.loop import train_network as train_network
from geobench_torch.reader import Batch as Batch
from geobench_torch.reader import in_chunks as in_chunks
from geobench_torch.reader import shuffled_batches as shuffled_batches
from geobench_torch.state import count_parameters as count_parameters
from geobench_torch.state import load_module_state as load_module_state
from geobench_torch.state import module_state as module_state
