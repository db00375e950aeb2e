"""One thread for torch: networks here are small, and two threads on two cores get in the way."""

import torch

torch.set_num_threads(1)
