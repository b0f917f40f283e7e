"""Gradient flow, integrated as an ODE by compiled loops or by SciPy's solvers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np

from dynlens.dynamics.driver import integrate_in_steps, integrate_quietly
from dynlens.dynamics.events import Event
from dynlens.dynamics.settings import Settings, checked_method
from dynlens.dynamics.times import STEPS, save_times
from dynlens.dynamics.tolerances import floor_of
from dynlens.dynamics.trajectory import Trajectory
from dynlens.observables.recorder import checked_names
from dynlens.problems.problem import Problem
from dynlens.stepping.integrators import listing
from dynlens.stepping.methods import INTEGRATORS
from dynlens.stepping.methods.auto import AUTO
from dynlens.support import validation
from dynlens.support.errors import IntegrationError, KernelError
from dynlens.support.typing import Array, ArrayLike


@listing
def gradient_flow(
    problem: Problem,
    theta0: ArrayLike,
    t_end: float | ArrayLike,
    *,
    method: str | type = "auto",
    rtol: float = 1e-9,
    atol: float | None = None,
    saves: int | str = 201,
    events: Sequence[Event] = (),
    max_evaluations: int = 10_000_000,
    max_seconds: float | None = None,
    compiled: bool = True,
    field: Callable[[float, Array], Array] | None = None,
    observables: Sequence[str] = (),
    progress: bool = False,
    strict: bool = False,
) -> Trajectory:
    r"""Integrate the gradient flow :math:`\dot\theta = -\nabla\phi(\theta)`.

    Parameters
    ----------
    problem : Problem
    theta0 : array_like, shape (P,)
        Start; see `Problem.init`.
    t_end : float or array_like, shape (T,)
        End time, or the increasing times to save at (the run starts at time 0 either way).
    method : str or OdeSolver subclass
        As compiled loops: {integrators}; of these
        "auto" changes between the others (see Notes). By SciPy, and the reference: "RK23", "RK45",
        "DOP853", "LSODA", "Radau", "BDF". Explicit methods suit early times, implicit ones late and
        stiff times.
    rtol, atol : float
        Relative and absolute tolerance of one step, as in `scipy.integrate.solve_ivp`. Unless
        given, `atol` is 1e-12 (less if `rtol` is below 1e-9) times the size of the start or of
        what fits the target, whichever is smaller: see ``attrs["atol"]``.
    saves : int, "log" or "steps"
        How many evenly spaced times to save when `t_end` is a number, or ``"log"`` for 0 and 200
        logarithmically spaced ones. ``"steps"`` saves as often as the method's own steps ask for,
        which takes a second run, and at the times in `t_end` too (see Notes).
    events : sequence of Event
        What to watch for; see `Event` and `loss_below`. Each crossing is located on the dense
        output to the solver's own accuracy.
    max_evaluations, max_seconds : int, float
        Budgets. A run that exceeds one ends with status ``"budget"`` and what it has.
    compiled : bool
        Use the generated kernel (default) or the numpy reference, which SciPy's methods alone can
        do; "auto" is then "DOP853". A model without a kernel takes the reference always, and
        ``attrs["reference"]`` says so.
    field : callable, optional
        ``field(t, theta)``, to be followed instead of the negative gradient: a modified flow, such
        as `modified_field(problem, eta)`. By SciPy's methods; "auto" is then "DOP853".
    observables : sequence of str
        Names of observables to be kept at the times to save, instead of the states: the run then
        takes the memory of some 256 states, however many times are saved.
    progress : bool
        Show a progress bar.
    strict : bool
        Raise `IntegrationError` instead of returning a partial trajectory.

    Returns
    -------
    Trajectory

    Raises
    ------
    TypeError, ValueError
        For a malformed argument, which the text names.
    IntegrationError
        With `strict`, if the run did not reach its end.
    KernelError
        If `method` names a compiled loop, and the compiled gradient is not that of the reference,
        or the model states none.

    Warns
    -----
    RuntimeWarning
        If the compiled gradient is not that of the reference, with another method: the run then
        takes the reference.

    Notes
    -----
    A name means one implementation. "DOP853" is SciPy's; "DOP8" has the same coefficients in a
    compiled loop, a hundred times as fast where the gradient is tiny. "Tsit5" is the pair of
    Tsitouras (2011), "Radau9" an implicit method of Hairer & Wanner (1999) for up to about a
    hundred parameters, "RKC2" and "ROCK4" the stabilized methods of Sommeijer, Shampine & Verwer
    (1998) and of Abdulle (2002), of order two and four, for more of them. "auto" begins with
    "Tsit5" (from ``rtol=1e-7`` on, 1e-5 for many parameters) or "DOP8" and changes to one of the
    latter three, and back, as the flow turns stiff or mild; ``attrs["switches"]`` tells when and
    why. The first run by a method compiles its loop for seconds, the first run of a problem its
    gradient for one; all later ones, also of other processes, load from the cache. Named by
    themselves, "Tsit5" and "DOP8" compile a loop of its own for each tiny problem, three times as
    fast; "auto" never does. The environment variable ``DYNLENS_METHOD`` makes "auto" stand for a
    method of SciPy's, to see what depends on it.

    The explicit methods' error per unit of time is controlled relative to ``|theta|``; quantities
    that are products of small and large factors (a determinant, say) can lose all their digits
    long before the tolerance suggests. `Trajectory.twins` and `Trajectory.error` measure it.

    With ``saves="steps"`` nothing happens between two saved times: a short run is saved twice in
    each step, a long one so often that no entry changes by more than a fifth (of itself, or of a
    thousandth of the largest). ``attrs["steps_between"]`` and ``attrs["moved_between"]`` tell how
    many steps lie between two saved times, and how many e-folds, at most.

    Examples
    --------
    >>> import dynlens as dl
    >>> problem = dl.Problem(dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[2.0]]))
    >>> flow = dl.gradient_flow(problem, [0.1, 0.1], 4.0)
    >>> round(float(flow.observe("end_to_end")[-1, 0, 0]), 6)
    1.999955
    """
    validation.instance("problem", problem, Problem, "for example `Problem(model, loss, seen)`.")
    start = problem.check_theta(theta0)
    times = save_times(t_end, saves)
    validation.positive("rtol", rtol)
    if atol is None:
        atol = floor_of(problem, start, rtol)
    validation.positive("atol", atol, allow_zero=True)
    validation.count("max_evaluations", max_evaluations)
    if max_seconds is not None:
        validation.positive("max_seconds", max_seconds)
    remedy = "for example `loss_below(1e-4)`, in a list."
    watched = validation.sequence("events", events, remedy, Event)
    for event in watched:
        event.height(problem, start)
    note = problem.without_kernel if compiled and field is None else ""
    if note and method in INTEGRATORS and method != AUTO:
        raise KernelError(f"`method` {method!r} is a compiled loop, but {note} Use 'auto'.")
    compiled = compiled and not note
    settings = Settings(
        method=checked_method(method, compiled and field is None),
        rtol=float(rtol),
        atol=float(atol),
        events=watched,
        max_evaluations=int(max_evaluations),
        max_seconds=max_seconds,
        compiled=bool(compiled),
        progress=bool(progress),
        field=field,
        observables=checked_names(observables),
        saves=None if np.ndim(t_end) else saves if isinstance(saves, str) else int(saves),
        note=note,
    )
    integrated = integrate_in_steps if saves == STEPS else integrate_quietly
    try:
        trajectory = integrated(problem, start, times, settings)
    except KernelError as error:
        if settings.named_loop:
            raise
        warnings.warn(f"{error} This run does so by itself.", RuntimeWarning, stacklevel=2)
        trajectory = integrated(problem, start, times, settings.by_reference())
    if strict and not trajectory.complete:
        raise IntegrationError(trajectory.message)
    return trajectory
