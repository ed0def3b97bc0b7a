from .block_operator import BlockOperator, LocalOperator
from .density_of_groups import (
    DensitySettings,
    ElectronicDensity,
    density_operator,
    electronic_density,
    operator_window,
)
from .edges_of_parts import LocalEdges, local_edges
from .hamiltonian_of_model import ModelHamiltonian, model_hamiltonian
from .torch_operator import TorchOperator

__all__ = [
    "BlockOperator",
    "DensitySettings",
    "ElectronicDensity",
    "LocalEdges",
    "LocalOperator",
    "ModelHamiltonian",
    "TorchOperator",
    "density_operator",
    "electronic_density",
    "local_edges",
    "model_hamiltonian",
    "operator_window",
]
