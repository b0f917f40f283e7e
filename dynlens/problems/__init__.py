"""An objective made of a model, a loss and observations, with the starts to train it from."""
