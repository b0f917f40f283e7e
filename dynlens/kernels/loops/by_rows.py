"""Gradient of the loss where a model computes the predictions themselves."""

from dynlens.kernels.loops.head import reordered
from dynlens.kernels.loops.loss import loss_derivative, loss_value
from dynlens.kernels.loops.product_tree import backward, forward

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@reordered
def loss_gradient(theta, values, index, rows, weight, work, predicted, weights, out):
    forward(theta, index, rows, work, predicted)
    total = 0.0
    for i in range(values.size):
        z = predicted[i] - values[i]
        total += loss_value(z)
        weights[i] = weight[0] * loss_derivative(z)
    backward(theta, index, rows, work, weights, out)
    return weight[0] * total
