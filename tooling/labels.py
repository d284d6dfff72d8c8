"""The frameworks that a page is tagged with: those that its modules import, no others."""

import ast
from pathlib import Path

from tooling.modules import module_paths
from tooling.project import Project

# By the name under which a module imports them, in the order of the tags.
FRAMEWORKS = {
    "torch": "PyTorch",
    "tensorflow": "TensorFlow",
    "keras": "Keras",
    "transformers": "Transformers",
    "sklearn": "scikit-learn",
    "accelerate": "Accelerate",
    "deepspeed": "DeepSpeed",
    "ray": "Ray",
    "peft": "PEFT",
    "optuna": "Optuna",
    "keras_tuner": "KerasTuner",
    "faiss": "Faiss",
    "onnxruntime": "ONNX Runtime",
    "rdkit": "RDKit",
}


def frameworks(path: Path, project: Project) -> list[str]:
    """The names of the frameworks that the modules of a page import, anywhere in them."""
    found = {name for module in module_paths(path, project) for name in _imports(module)}
    return [name for package, name in FRAMEWORKS.items() if package in found]


def _imports(module: Path) -> set[str]:
    """The packages that a module imports."""
    names = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names
