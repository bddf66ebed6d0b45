"""Methods to compare with: they know nothing, do not look, or were asked elsewhere."""

from geobench_basics.methods.predictions_file import PredictionsMethod as PredictionsMethod
from geobench_basics.methods.prior import PriorMethod as PriorMethod
from geobench_basics.methods.uniform import UniformMethod as UniformMethod
