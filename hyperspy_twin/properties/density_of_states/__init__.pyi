from .block_operator import BlockOperator
from .density_of_groups import (
    DensitySettings,
    ElectronicDensity,
    density_operator,
    electronic_density,
    operator_window,
)
from .hamiltonian_of_model import ModelHamiltonian, model_hamiltonian
from .torch_operator import TorchOperator

__all__ = [
    "BlockOperator",
    "DensitySettings",
    "ElectronicDensity",
    "ModelHamiltonian",
    "TorchOperator",
    "density_operator",
    "electronic_density",
    "model_hamiltonian",
    "operator_window",
]
