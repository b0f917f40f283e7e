"""Gradient of the loss, through the end-to-end tensor."""

from dynlens.kernels.loops.entries import add_back, prediction
from dynlens.kernels.loops.head import reordered
from dynlens.kernels.loops.loss import loss_derivative, loss_value
from dynlens.kernels.loops.quadratic import backward, forward

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@reordered
def loss_gradient(theta, values, index, rows, weight, work, tensor, cotangent, out):
    forward(theta, index, rows, work, tensor)
    cotangent[:] = 0.0
    total = 0.0
    for i in range(values.size):
        z = prediction(tensor, index, rows, i) - values[i]
        total += loss_value(z)
        add_back(cotangent, index, rows, i, weight[0] * loss_derivative(z))
    backward(theta, index, rows, work, cotangent, out)
    return weight[0] * total
