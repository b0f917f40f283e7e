"""The rule of Polyak's heavy ball; the memory holds the share that is kept, and the velocity."""

from dynlens.kernels.loops.head import woven

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@woven
def update(theta, memory, eta, out):
    """Change the velocity by the gradient, and step along it."""
    beta, velocity = memory[0], memory[1:]
    for i in range(theta.size):
        velocity[i] = beta * velocity[i] - eta * out[i]
        theta[i] += velocity[i]
