"""labels: the frameworks that a page is tagged with."""

from tooling.labels import frameworks
from tooling.project import Project

from .inside import page


def test_what_a_module_imports_anywhere(project: Project) -> None:
    text = "import os\nfrom torch import nn\n\ndef late():\n    import keras.ops\n    from . import sklearn\n"
    assert frameworks(page(project, "", M=text), project) == ["PyTorch", "Keras"]
