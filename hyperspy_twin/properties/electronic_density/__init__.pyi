from .electronic_density import DensitySettings, ElectronicDensity, electronic_density
from .model_hamiltonian import ModelHamiltonian, model_hamiltonian
from .torch_operator import TorchOperator

__all__ = [
    "DensitySettings",
    "ElectronicDensity",
    "ModelHamiltonian",
    "TorchOperator",
    "electronic_density",
    "model_hamiltonian",
]
