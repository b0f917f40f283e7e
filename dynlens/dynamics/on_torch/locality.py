"""The regularizer that discourages locality, of any torch network."""

from __future__ import annotations

from typing import Any

from dynlens.dynamics.on_torch.problem import load_torch


def locality(
    network: Any, inputs: Any, first: Any, second: Any, *, labels: Any = None, power: int = 1
) -> Any:
    r"""How little the gradient at one patch of the inputs depends on what another patch holds.

    .. math:: R = \frac1B \sum_b \bigl|\cos(\nabla_{x_P} f(x^b), \nabla_{x_P} f(\tilde x^b))\bigr|

    with :math:`\tilde x^b` the input whose patch Q is that of the next one in the batch. It can be
    differentiated by the parameters of the network (through both gradients): add it, times a
    strength, to the loss, and leave the call out where the strength is zero.

    Parameters
    ----------
    network : callable
        Maps inputs (B, ...) to one number each, of shape (B,) or (B, 1), or to scores (B, classes).
    inputs : tensor, shape (B, ...)
        Two or more.
    first, second : tuple of slice, or tensor of bool
        The patches P and Q of one input, as they index it: ``(..., slice(0, 8))`` is columns 0 to 7
        of all channels and rows.
    labels : tensor of int, shape (B,), optional
        The scores that are meant, where there are several.
    power : {1, 2}
        Of the cosine; see `dynlens.problems.Locality`.

    Returns
    -------
    tensor, shape ()
        NaN where a gradient is zero.

    Notes
    -----
    As in the authors' code: at the inputs, all channels together, the network in whichever mode it
    is. Batch normalization in training mode couples the inputs of a batch, and sees the batch
    twice more. For a multilinear network it is the value of `dynlens.problems.Locality`.

    References
    ----------
    razin2022implicit
    """
    torch = load_torch()
    if power not in (1, 2):
        raise ValueError(f"`power` must be 1 or 2, got {power!r}.")
    if len(inputs) < 2:
        raise ValueError("`inputs` must be two or more, since each is mixed with another.")
    P, Q = (_in_batch(patch) for patch in (first, second))
    mixed = inputs.detach().clone()
    mixed[Q] = inputs.detach().roll(-1, 0)[Q]

    def directions(x: Any) -> Any:
        x = x.detach().requires_grad_(True)
        out = network(x)
        if labels is not None:
            out = out.gather(1, labels[:, None])
        elif out.numel() != len(x):
            raise ValueError(
                f"the network has outputs of shape {tuple(out.shape)}; pass `labels` to say which "
                "of the scores is meant."
            )
        (gradient,) = torch.autograd.grad(out.sum(), x, create_graph=True)
        rows = gradient[P].reshape(len(x), -1)
        return rows / rows.norm(dim=1, keepdim=True)

    cosines = (directions(inputs) * directions(mixed)).sum(dim=1)
    return (cosines.abs() if power == 1 else cosines.square()).mean()


def _in_batch(patch: Any) -> tuple[Any, ...]:
    """Index of a patch of every input."""
    return (slice(None), *(patch if isinstance(patch, tuple) else (patch,)))
