"""What a page leaves in the libraries of its process, put back before the next page."""

import gc
import sys


def clear() -> None:
    """Puts back the settings of the libraries that are loaded, closes pyplot's figures, frees models.

    A lab that makes its letters smaller changed the ticks of another page's figure, whenever it ran
    before that page in one process. Called before a page, not after one: who runs one page alone does not
    wait for the collector to go through all of torch.
    """
    if (matplotlib := sys.modules.get("matplotlib")) is not None:
        matplotlib.rc_file_defaults()
    if (pyplot := sys.modules.get("matplotlib.pyplot")) is not None:
        pyplot.close("all")
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_default_dtype(torch.float32)
        torch.use_deterministic_algorithms(False)
        torch.set_grad_enabled(True)
    if {"torch", "tensorflow"} & sys.modules.keys():  # models hold themselves in cycles
        gc.collect()
