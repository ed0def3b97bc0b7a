"""The five HyperSpy signal types: state, plotting and the calls into the rooms."""
